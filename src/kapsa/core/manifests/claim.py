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


def claim_name(kind: Literal["host", "subdomain"], pool: str, wanted: str) -> str:
    """Return the name of the Lease: one for each host, and for each subdomain of a pool."""
    identity = wanted if kind == "host" else f"{pool}\n{wanted}"
    return with_digest(f"{kind}-{wanted}", identity)


def claim(
    kind: Literal["host", "subdomain"], *, pool: str, wanted: str, holder: Holder, namespace: str
) -> dict[str, Any]:
    """Return the Lease in the operator's `namespace` by which `holder` claims what is `wanted`."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": claim_name(kind, pool, wanted),
            "namespace": namespace,
            "labels": {
                **labels.MANAGED,
                labels.CLAIM: kind,
                labels.POOL: slug(pool),
                labels.OWNER_UID: holder.uid,
            },
            "annotations": {labels.HOST: wanted, labels.OWNER: str(holder)},
        },
        "spec": {"holderIdentity": holder.uid},
    }
