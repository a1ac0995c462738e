"""What is made once for a namespace: the rules of the admin, and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kapsa.core.conditions import Blocked
from kapsa.core.drift import stamp
from kapsa.core.manifests.limit_range import limit_range
from kapsa.core.manifests.network_policy import network_policy
from kapsa.core.manifests.resource_quota import resource_quota
from kapsa.core.manifests.role_binding import role_binding
from kapsa.core.manifests.service_account import service_account
from kapsa.core.places import Place
from kapsa.core.workloads.pod_security import Profile
from kapsa.models.domain_pool import DomainPool

Manifest = dict[str, Any]


@dataclass(frozen=True)
class NamespaceRules:
    """What an admin wants of every namespace that Kapsa makes.

    Attributes:
        pod_security: The Pod Security Standard that is enforced.
        resource_quota: The most of each resource; nothing for no bound.
        limit_range: What containers get and may ask for: `default`, `defaultRequest`, `min` and
            `max`, each by resource; nothing for no rule.
        developer_role: The ClusterRole of those whom a Project gives access; nothing for none.
    """

    pod_security: Profile = "restricted"
    resource_quota: Mapping[str, str] = field(default_factory=dict)
    limit_range: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    developer_role: str = "kapsa-developer"


def furnishings(
    place: Place,
    rules: NamespaceRules,
    pool: DomainPool | Blocked | None,
    pull_secret: str = "",
) -> tuple[Manifest, ...]:
    """Return what is made for a namespace, stamped, in the order in which it is made.

    Args:
        place: The namespace. A tenant's gets nothing but the ServiceAccount.
        rules: What the admin wants of it.
        pool: Where hosts are from, or why that isn't known: then the NetworkPolicy is left as it
            is; None where there are none.
        pull_secret: Name of the Secret with which images are pulled; nothing for none.
    """
    objects = [service_account(place, pull_secret)]
    if place.is_made:
        if not isinstance(pool, Blocked):
            objects.append(network_policy(place, pool))
        if rules.resource_quota:
            objects.append(resource_quota(place, rules.resource_quota))
        if rules.limit_range:
            objects.append(limit_range(place, rules.limit_range))
        if rules.developer_role and place.access:
            objects.append(role_binding(place, rules.developer_role))
    return tuple(stamp(manifest) for manifest in objects)
