"""Settings of the operator, from environment variables `KAPSA_…`; read once, at the start."""

import json
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kapsa.core.projects.furnishings import NamespaceRules
from kapsa.utils.durations import parse_duration
from kapsa.utils.quantities import is_quantity

Seconds = Annotated[int, BeforeValidator(parse_duration)]
"""A duration such as `90s` or `5m`, or a whole number of seconds; held as seconds."""

Names = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(
        lambda value: (
            tuple(filter(None, (part.strip() for part in value.split(","))))
            if isinstance(value, str)
            else value
        )
    ),
]
"""A list, separated by commas."""


def _decoded(value: object) -> object:
    try:
        return json.loads(value or "{}") if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"is no JSON: {error}") from error


def _amounts(value: object) -> object:
    """Return amounts of resources as text.

    Raises:
        ValueError: They are none.
    """
    if not isinstance(value, dict):
        raise ValueError('must be amounts of resources, such as {"memory": "256Mi"}')
    for name, amount in value.items():
        if isinstance(amount, bool) or not is_quantity(amount):
            raise ValueError(f'{name}: {amount!r} is no quantity; write 500m, 256Mi or "20"')
    return {name: str(amount) for name, amount in value.items()}


Amounts = Annotated[dict[str, str], BeforeValidator(_amounts)]
"""Amounts of resources by name, such as `{"pods": "20"}`."""

LimitKind = Literal["default", "defaultRequest", "min", "max"]


class Settings(BaseSettings):
    """What an admin can set. Each field is the variable `KAPSA_` and its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="KAPSA_", frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    namespace: str = "kapsa-system"
    """The operator's own namespace: its Lease, the claims of hosts, the Secrets of Registries."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severity that is logged."""
    log_format: Literal["json", "console"] = "json"
    """`json`: one object a line; `console`: for people."""

    metrics_enabled: bool = True
    """Whether `/metrics` is served; `/healthz` and `/readyz` always are."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port of `/metrics`, `/healthz` and `/readyz`; 0 takes any free one."""
    bind_address: str = "0.0.0.0"  # noqa: S104 - inside a pod, behind a Service
    """Address on which that port is opened."""

    default_poll_interval: Annotated[Seconds, Field(ge=1)] = 300
    """How often a repository is read where its Project says nothing."""
    min_poll_interval: Annotated[Seconds, Field(ge=1)] = 10
    """Floor below which no Project can go."""
    poll_concurrency_per_host: Annotated[int, Field(ge=1, le=64)] = 4
    """Most polls of one git host at a time."""
    poll_timeout: Annotated[Seconds, Field(ge=1)] = 30
    """Seconds after which a poll of one repository is given up."""
    image_retry_interval: Annotated[Seconds, Field(ge=1)] = 10
    """How often an image that does not exist yet is looked up."""
    registry_retry_interval: Annotated[Seconds, Field(ge=1)] = 60
    """How often a registry that can't be used is tried again, and a Secret of it that is missing or
    refused is read again."""
    reconciliation_timeout: Annotated[Seconds, Field(ge=1)] = 600
    """Seconds after which one reconciliation is given up and tried again."""
    mass_deletion_hold: Annotated[Seconds, Field(ge=0)] = 300
    """How long a mass disappearance of previews must last before it is believed."""

    allow_http_repositories: bool = False
    """Whether a repository may be read over plain http."""
    allowed_private_hosts: Names = ()
    """Hosts on loopback or private addresses that git, forges and registries may be on;
    `*` allows every private (but no loopback or link-local) address."""

    pod_security: Literal["restricted", "baseline"] = "restricted"
    """The laxest Pod Security Standard that an Environment may ask for. With `baseline`, images may
    run as root where `runtime.security.profile` says so. It is enforced in every namespace that
    Kapsa makes."""
    resource_quota: Annotated[Amounts, NoDecode, BeforeValidator(_decoded)] = Field(
        default_factory=dict
    )
    """The most of each resource in every namespace that Kapsa makes, as in `spec.hard` of a
    ResourceQuota: `{"pods": "20", "limits.memory": "8Gi"}`."""
    limit_range: Annotated[dict[LimitKind, Amounts], NoDecode, BeforeValidator(_decoded)] = Field(
        default_factory=dict
    )
    """What containers get and may ask for in every namespace that Kapsa makes, as in a LimitRange:
    `{"default": {"memory": "256Mi"}, "max": {"memory": "1Gi"}}`."""
    developer_cluster_role: str = "kapsa-developer"
    """The ClusterRole to which those are bound whom a Project gives `access` to the namespaces that
    Kapsa makes for it; nothing for none. The operator needs the permission to `bind` it."""

    lease_duration: Annotated[Seconds, Field(ge=2)] = 15
    """Seconds after which a Lease that isn't renewed is free for another operator."""
    renew_deadline: Annotated[Seconds, Field(ge=1)] = 10
    """Seconds without a renewal after which this operator writes nothing more."""
    renew_interval: Annotated[Seconds, Field(ge=1)] = 2
    """Seconds between renewals."""
    sweep_interval: Annotated[Seconds, Field(ge=1)] = 600
    """How often what deleted objects left behind is swept, and the caches are listed anew."""
    workers: Annotated[int, Field(ge=1, le=64)] = 8
    """Most reconciliations of one kind at a time."""

    pod_name: str = ""
    """Name of the operator's pod; with `pod_uid` its identity in the election."""
    pod_uid: str = ""
    """UID of the operator's pod."""

    @property
    def namespace_rules(self) -> NamespaceRules:
        """What is wanted of every namespace that Kapsa makes."""
        return NamespaceRules(
            pod_security=self.pod_security,
            resource_quota=self.resource_quota,
            limit_range={str(kind): amounts for kind, amounts in self.limit_range.items()},
            developer_role=self.developer_cluster_role,
        )

    @model_validator(mode="after")
    def _keep_the_lease_longer_than_it_is_believed(self) -> Self:
        if not self.renew_interval < self.renew_deadline < self.lease_duration:
            raise ValueError(
                "KAPSA_RENEW_INTERVAL must be below KAPSA_RENEW_DEADLINE, and that below"
                " KAPSA_LEASE_DURATION: else two operators could write at a time"
            )
        return self


class SettingsError(ValueError):
    """A setting is wrong; the message names the variable and what it should be."""


def read_settings() -> Settings:
    """Return the settings that the environment gives.

    Raises:
        SettingsError: One is wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            ": ".join((f"KAPSA_{str(item['loc'][0]).upper()}", *_below(item["loc"]), item["msg"]))
            if item["loc"]
            else str(item["msg"])
            for item in error.errors()
        ]
        raise SettingsError("; ".join(lines)) from error


def _below(location: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return where in a setting that is a map something is wrong; nothing for all of it."""
    path = ".".join(str(part) for part in location[1:] if part != "[key]")
    return (path,) if path else ()
