"""Whether a namespace may use what an admin offers to the cluster: a DomainPool or a Registry."""

from collections.abc import Mapping
from typing import Final

from kapsa.core.conditions import Blocked
from kapsa.core.selectors import selector_text, selects, selects_all
from kapsa.models.domain_pool import DomainPool
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry

Offer = DomainPool | Registry

FIELDS: Final[Mapping[str, str]] = {
    "DomainPool": "spec.domain.domainPoolRef",
    "Registry": "spec.registry",
}
"""The field by which each kind of offer is named."""

_ABSENT: Final[Mapping[str, Reason]] = {
    "DomainPool": Reason.DOMAIN_POOL_NOT_FOUND,
    "Registry": Reason.REGISTRY_NOT_FOUND,
}
_LABELS_RETRY: Final = 600.0
"""Seconds after which to look again at a namespace's labels, which nobody watches."""


def absence(kind: str, name: str) -> Blocked:
    """Return what it means that there is no offer of that kind and name."""
    return Blocked(
        _ABSENT[kind],
        f"{kind} {name} does not exist; create it, or name another in {FIELDS[kind]}",
        stalled=True,
    )


def is_for_all(offer: Offer) -> bool:
    """Tell whether every namespace may use it, whatever its labels."""
    return selects_all(offer.spec.allowed_namespaces.selector)


def namespace_refusal(offer: Offer, namespace: str, labels: Mapping[str, str]) -> Blocked | None:
    """Return why the namespace with these labels may not use the offer; None where it may."""
    selector = offer.spec.allowed_namespaces.selector
    if selects(selector, labels):
        return None
    kind = offer.definition.kind
    return Blocked(
        Reason.NAMESPACE_NOT_ALLOWED,
        f"namespace {namespace} may not use {kind} {offer.metadata.name}, which is for namespaces"
        f" with the labels {selector_text(selector)!r}; ask an admin to label the namespace, or"
        f" name another {kind} in {FIELDS[kind]}",
        stalled=True,
        retry_after=_LABELS_RETRY,
    )
