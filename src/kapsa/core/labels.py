"""Labels and annotations that Kapsa writes and reads, and how it knows its own objects."""

from collections.abc import Mapping
from typing import Any, Final

from kapsa.models.base import GROUP

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGER: Final = "kapsa"
NAME: Final = "app.kubernetes.io/name"
INSTANCE: Final = "app.kubernetes.io/instance"
PROJECT: Final = f"{GROUP}/project"
ENVIRONMENT: Final = f"{GROUP}/environment"
PROCESS: Final = f"{GROUP}/process"
PULL_REQUEST: Final = f"{GROUP}/pr"
BRANCH: Final = f"{GROUP}/branch"
OWNER_UID: Final = f"{GROUP}/owner-uid"
"""Label of what has no ownerReference, since its owner is in another namespace: the owner's UID."""
CLAIM: Final = f"{GROUP}/claim"
"""Label of the Leases that are claims: `host` or `subdomain`."""
POOL: Final = f"{GROUP}/domain-pool"
REGISTRY: Final = f"{GROUP}/registry"
"""Label of Secrets with which images of a Registry are pulled: the Registry's name, as a label."""
CERTIFICATE: Final = f"{GROUP}/certificate"
"""Label of Secrets with a certificate that Kapsa ordered: the name of the Certificate. A copy has
`OWNER_UID` beside it."""

OWNER: Final = f"{GROUP}/owner"
"""Annotation beside `OWNER_UID` or `RETAIN`: `<Kind>/<namespace>/<name>` of the owner."""
RETAIN: Final = f"{GROUP}/retain"
"""Label of a PersistentVolumeClaim that outlives its Environment: `true`. `OWNER` names that."""
HOST: Final = f"{GROUP}/host"
"""Annotation of a claim: what is claimed."""
REF: Final = f"{GROUP}/ref"
"""Annotation with the whole name of the branch, of which the label has only a slug."""
TAG: Final = f"{GROUP}/tag"
"""Annotation of an Environment that follows tags: the tag that its commit has."""
COMMIT: Final = f"{GROUP}/commit"
SOURCE: Final = f"{GROUP}/source"
"""Annotation of a copy: namespace and name of what it is a copy of."""
CONFIG: Final = f"{GROUP}/config"
"""Annotation of pods: a digest of the ConfigMaps and Secrets that they get."""
IMAGE_REFERENCE: Final = f"{GROUP}/image-reference"
"""Annotation of an Environment: the tag that its image was, or is being, looked up by."""
APPLIED: Final = f"{GROUP}/applied"
"""Annotation with the digest of what was applied last."""
RUN: Final = f"{GROUP}/run"
"""Annotation of a Job: what it runs for."""
BUILDS: Final = f"{GROUP}/builds"
"""Label of the namespace in which images are built, and of what is made once for it: `true`."""
BUILD: Final = f"{GROUP}/build"
"""Label of all that belongs to a build: the build's name."""
BUILD_KEY: Final = f"{GROUP}/build-key"
"""Label beside it: what is built, as `kapsa.core.builds.keys.build_key` says it."""
BUILT_FOR: Final = f"{GROUP}/built-for"
"""Annotation beside it: name of the Environment that the build was begun for."""
ATTEMPT: Final = f"{GROUP}/attempt"
"""Annotation beside it: 1 for the first."""
REQUESTED_AT: Final = f"{GROUP}/requestedAt"
PIN: Final = f"{GROUP}/pin"
"""Annotation of an Environment: with the value `true` it never expires."""
EXTENDED_UNTIL: Final = f"{GROUP}/extended-until"
"""Annotation of an Environment: the RFC 3339 time before which it doesn't expire."""

MANAGED: Final[Mapping[str, str]] = {MANAGED_BY: MANAGER}


def requested_at(annotations: Mapping[str, str]) -> str:
    """Return when a person last asked for a reconciliation, as the status echoes it, or nothing."""
    return annotations.get(REQUESTED_AT, "")[:64]


def owner_reference(api_version: str, kind: str, name: str, uid: str) -> dict[str, Any]:
    """Return the ownerReference that makes Kubernetes' garbage collector clean up.

    The owner must be in the same namespace as what it owns, or be cluster-scoped: the garbage
    collector deletes anything else (https://kubernetes.io/docs/concepts/architecture/garbage-collection/).
    """
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
    }


def controller_uid(manifest: Mapping[str, Any]) -> str:
    """Return the UID of the object's controlling owner, or nothing."""
    for reference in manifest.get("metadata", {}).get("ownerReferences") or ():
        if reference.get("controller"):
            return str(reference.get("uid", ""))
    return ""


def owner_uids(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the UIDs of whom the object was made for, by ownerReference or label."""
    label = (manifest.get("metadata", {}).get("labels") or {}).get(OWNER_UID, "")
    return tuple(dict.fromkeys(filter(None, (controller_uid(manifest), label))))


def is_managed(manifest: Mapping[str, Any]) -> bool:
    """Tell whether the object says that Kapsa keeps it."""
    labels = manifest.get("metadata", {}).get("labels") or {}
    return bool(labels.get(MANAGED_BY) == MANAGER)


def is_owned_by(manifest: Mapping[str, Any], uid: str) -> bool:
    """Tell whether the object is Kapsa's, made for the owner of that UID.

    An ownerReference is proof enough: it names a UID, so a label that someone took off by mistake
    can be put back. What has no ownerReference needs the two labels.
    """
    if not uid:
        return False
    if controller_uid(manifest) == uid:
        return True
    labels = manifest.get("metadata", {}).get("labels") or {}
    return is_managed(manifest) and labels.get(OWNER_UID) == uid


def retained_for(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """Return namespace and name of the Environment that a claim is retained for; or nothing."""
    if manifest.get("kind") != "PersistentVolumeClaim":
        return "", ""
    metadata = manifest.get("metadata", {})
    owner = (metadata.get("annotations") or {}).get(OWNER, "")
    kind, _, rest = owner.partition("/")
    namespace, _, name = rest.partition("/")
    # Whoever writes another namespace there says nothing of it.
    is_here = kind == "Environment" and namespace == metadata.get("namespace")
    return (namespace, name) if is_here else ("", "")
