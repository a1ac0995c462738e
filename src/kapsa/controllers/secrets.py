"""Reads the Secrets that objects name; each time anew, since they are rotated."""

from kapsa.adapters.cluster import Cluster, Manifest
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled
from kapsa.adapters.resources import SECRETS
from kapsa.models.project import Project
from kapsa.models.reasons import Reason


async def read_secret(cluster: Cluster, name: str, namespace: str, wanted_by: str) -> Manifest:
    """Return a Secret.

    Args:
        cluster: The API.
        name: Name of the Secret.
        namespace: Its namespace.
        wanted_by: The object and field that name it, for the message.

    Raises:
        Stalled: There is none.
        Waiting: The API server can't be reached.
    """
    secret = await cluster.get(SECRETS, name, namespace)
    if secret is None:
        raise Stalled(
            Reason.SECRET_NOT_FOUND,
            f"{wanted_by} names the Secret {name}, which does not exist in namespace {namespace};"
            " create it there",
        )
    return secret


async def repository_credentials(cluster: Cluster, project: Project) -> Credentials | None:
    """Return who Kapsa is to the Project's git server; None for nobody.

    Raises:
        Stalled: The Secret is missing or lacks its keys.
        Waiting: The API server can't be reached.
    """
    meta, credentials = project.metadata, project.spec.repository.credentials
    if credentials is None:
        return None
    wanted_by = f"Project {meta.name}: spec.repository.credentials.secretRef"
    secret = await read_secret(cluster, credentials.secret_ref.name, meta.namespace, wanted_by)
    return Credentials.from_secret(secret, wanted_by)
