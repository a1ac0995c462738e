"""Who may look into a namespace that Kapsa makes.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from typing import Any, Final

from kapsa.core.places import Place

_RBAC: Final = "rbac.authorization.k8s.io"


def role_binding(place: Place, cluster_role: str) -> dict[str, Any]:
    """Return the RoleBinding of those whom the Project gives `access` to an admin's ClusterRole."""
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": place.metadata("kapsa-access"),
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": cluster_role},
        "subjects": [
            {"apiGroup": _RBAC, "kind": subject.kind, "name": subject.name}
            for subject in place.access
        ],
    }
