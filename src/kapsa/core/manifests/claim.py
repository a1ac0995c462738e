"""The claim of a host or a subdomain: a Lease that only one creator can make.

Source: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/
"""

from dataclasses import dataclass
from typing import Any, Literal

from kapsa.core import labels
from kapsa.utils.names import slug, with_digest


@dataclass(frozen=True)
class Holder:
    """Who holds a claim.

    Attributes:
        kind: `Environment` for a host, `Project` for a subdomain.
        namespace: Namespace of the holder.
        name: Name of the holder.
        uid: UID of the holder.
    """

    kind: str
    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"

    @classmethod
    def of(cls, lease: dict[str, Any]) -> "Holder":
        """Return the holder of an existing claim."""
        metadata = lease.get("metadata", {})
        owner = (metadata.get("annotations") or {}).get(labels.OWNER, "")
        kind, _, rest = owner.partition("/")
        namespace, _, name = rest.partition("/")
        uid = str((lease.get("spec") or {}).get("holderIdentity") or "")
        return cls(kind=kind, namespace=namespace, name=name, uid=uid)


ClaimKind = Literal["host", "subdomain"]


def claim_name(kind: ClaimKind, wanted: str) -> str:
    """Return the name of the Lease: one for each host and each subdomain, whatever the pool."""
    return with_digest(f"{kind}-{wanted}", wanted)


def claim(
    kind: ClaimKind, *, pool: str, wanted: str, holder: Holder, namespace: str
) -> dict[str, Any]:
    """Return the Lease by which `holder` claims what is `wanted`.

    Args:
        kind: `host`, or `subdomain` for a name with all hosts in it.
        pool: Name of the DomainPool that gives it; nothing for a host of the holder's own.
        wanted: The whole name: `pr-1-shop.apps.example.com`, or `shop.apps.example.com`.
        holder: Who wants it.
        namespace: The operator's namespace, where claims live.
    """
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": claim_name(kind, wanted),
            "namespace": namespace,
            "labels": {
                **labels.MANAGED,
                labels.CLAIM: kind,
                **({labels.POOL: slug(pool)} if pool else {}),
                labels.OWNER_UID: holder.uid,
            },
            "annotations": {labels.HOST: wanted, labels.OWNER: str(holder)},
        },
        "spec": {"holderIdentity": holder.uid},
    }
