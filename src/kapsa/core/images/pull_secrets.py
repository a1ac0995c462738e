"""The Secrets with which pods pull images: what they are called, and who names them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kapsa.core.conditions import Blocked
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry
from kapsa.utils.names import LABEL_LIMIT, label, with_digest

_RETRY: Final = 30.0
"""Seconds after which to look again at a ServiceAccount, whose changes are heard of."""


@dataclass(frozen=True)
class Pulling:
    """With what the image of an Environment is pulled.

    Attributes:
        registry: Name of its Registry; nothing where it names none.
        secret: Name of the Secret with which its pods pull; nothing where they need none.
        service_accounts: ServiceAccounts of Kapsa's that name it: their pods needn't.
        problem: Why the image can't be pulled from the Registry; None where it can.
    """

    registry: str = ""
    secret: str = ""
    service_accounts: frozenset[str] = frozenset()
    problem: Blocked | None = None

    def obstacle(self, service_account: str) -> Blocked | None:
        """Return why pods of a ServiceAccount, or of nobody, can't start; None where they can."""
        if self.problem is not None:
            return self.problem
        if not self.secret or not service_account or service_account in self.service_accounts:
            return None
        return Blocked(
            Reason.PULL_SECRET_PENDING,
            f"ServiceAccount {service_account} does not name the pull Secret {self.secret} yet;"
            " the Project sees to it",
            retry_after=_RETRY,
        )


def is_generated(registry: Registry) -> bool:
    """Tell whether Kapsa makes the Registry's pull Secret wherever an image of it runs."""
    wanted = registry.spec.image_pull_secret
    return wanted is not None and wanted.generate_per_namespace


def pull_secret_name(registry: Registry, registries: Iterable[Registry]) -> str:
    """Return the name of a Registry's pull Secret, the same in each namespace; nothing for none.

    Of several Registries that want the same name, it has the one whose Secret somebody else makes,
    or else the oldest; the Secrets of the others get a digest appended.

    Args:
        registry: The Registry.
        registries: All of them.
    """
    wanted = registry.spec.image_pull_secret
    if wanted is None:
        return ""
    if not wanted.generate_per_namespace:
        return wanted.name
    rivals = [
        other
        for other in registries
        if other.spec.image_pull_secret and other.spec.image_pull_secret.name == wanted.name
    ]
    first = min(rivals, key=_rank, default=registry)
    if first.metadata.name == registry.metadata.name:
        return wanted.name
    return with_digest(wanted.name, f"{wanted.name}\n{registry.metadata.name}")


def registry_label(name: str) -> str:
    """Return a Registry's name as the value of a label."""
    return label(name, LABEL_LIMIT)


def is_attached(service_account: Mapping[str, Any] | None, secret: str) -> bool:
    """Tell whether the pods of a live ServiceAccount pull with a Secret."""
    named = (service_account or {}).get("imagePullSecrets") or ()
    return any(item.get("name") == secret for item in named)


def _rank(registry: Registry) -> tuple[bool, str, str]:
    meta = registry.metadata
    return is_generated(registry), meta.creation_timestamp, meta.name
