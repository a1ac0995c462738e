"""What is wrong with the ConfigMaps and Secrets that an Environment names."""

from collections.abc import Iterator, Mapping
from typing import Final

from kapsa.core.conditions import Blocked
from kapsa.core.problems import Problem
from kapsa.core.workloads.configuration import (
    TLS_TYPE,
    Reference,
    Source,
    references_of,
    source_namespace,
)
from kapsa.models.environment import Environment
from kapsa.models.reasons import Reason
from kapsa.models.runtime import Runtime

_TOKEN_TYPE: Final = "kubernetes.io/service-account-token"  # noqa: S105 - no secret
_LONGEST_VARIABLE: Final = 128 * 1024 - 1
"""Bytes of `<name>=<value>` that Linux lets a program start with.

Source: MAX_ARG_STRLEN, https://man7.org/linux/man-pages/man2/execve.2.html"""
_MOST_VARIABLES: Final = 1024 * 1024
"""Bytes of all variables together: half of what is left for them and the arguments."""


def mount_problem(runtime: Runtime, path: str = "spec.runtime") -> Problem | None:
    """Return which ConfigMap or Secret of a merged runtime shows where another one does.

    Args:
        runtime: What all layers give together.
        path: Where it is.
    """
    shown: dict[str, str] = {}
    for name, items in (("configRefs", runtime.config_refs), ("secretRefs", runtime.secret_refs)):
        for item in items:
            if item.mount_path is None:
                continue
            if item.mount_path in shown:
                # An index of the merged list would be none of what somebody has written.
                return Problem(
                    f"{path}.{name}",
                    f"mountPath of {item.name} is {item.mount_path}, where"
                    f" {shown[item.mount_path]} shows already; choose another path",
                )
            shown[item.mount_path] = item.name
    return None


def configuration_obstacle(
    environment: Environment, sources: Mapping[Reference, Source | None]
) -> Blocked | None:
    """Return why the Environment can't have what it names; None where it can.

    Args:
        environment: The Environment.
        sources: All that it names; None for what there isn't.
    """
    namespace = source_namespace(environment)
    total = 0
    for reference in references_of(environment):
        source = sources[reference]
        if source is None:
            reason = (
                Reason.SECRET_NOT_FOUND
                if reference.kind == "Secret"
                else Reason.CONFIG_MAP_NOT_FOUND
            )
            return _obstacle(
                reason,
                environment,
                reference,
                f"which does not exist in namespace {namespace}; create it there, or take it out",
            )
        refusal = _refusal(environment, reference, source)
        if refusal is not None:
            return refusal
        if reference.mount_path is None and not reference.is_certificate:
            sizes = tuple(_sizes(reference, source))
            total += sum(sizes)
            if max(sizes, default=0) > _LONGEST_VARIABLE or total > _MOST_VARIABLES:
                return _obstacle(
                    Reason.CONFIGURATION_TOO_LARGE,
                    environment,
                    reference,
                    f"in namespace {namespace}, and that is more than environment variables can"
                    " hold; set mountPath, so that the application reads it as files",
                )
    return None


def _refusal(environment: Environment, reference: Reference, source: Source) -> Blocked | None:
    where = f"in namespace {source_namespace(environment)}"
    if source.is_managed:
        return _obstacle(
            Reason.SOURCE_NOT_ALLOWED,
            environment,
            reference,
            f"which Kapsa made {where} for itself, and no application gets; name one of your own",
        )
    if source.type == _TOKEN_TYPE:
        return _obstacle(
            Reason.SOURCE_NOT_ALLOWED,
            environment,
            reference,
            f"which {where} holds the token of a ServiceAccount, and no application gets that;"
            " name another one",
        )
    if reference.is_certificate and (
        source.type != TLS_TYPE or not (source.data.get("tls.crt") and source.data.get("tls.key"))
    ):
        return _obstacle(
            Reason.SECRET_INVALID,
            environment,
            reference,
            f"which {where} is not of type {TLS_TYPE} with the keys tls.crt and tls.key; make it"
            " anew with `kubectl create secret tls`",
        )
    return None


def _sizes(reference: Reference, source: Source) -> Iterator[int]:
    """Yield how many bytes each variable has that the source gives."""
    for key, value in source.data.items():
        is_encoded = reference.kind == "Secret"
        yield len(key) + 1 + (len(value) * 3 // 4 if is_encoded else len(value.encode()))


def _obstacle(reason: Reason, environment: Environment, reference: Reference, why: str) -> Blocked:
    return Blocked(
        reason,
        f"Environment {environment.metadata.name}: {reference.path} names the {reference.kind}"
        f" {reference.name}, {why}",
        stalled=True,
    )
