"""The Environment that a Project makes."""

from dataclasses import dataclass
from typing import Any

from kapsa.core import labels
from kapsa.core.projects.naming import PERMANENT
from kapsa.core.projects.plans import DesiredEnvironment
from kapsa.models.base import API_VERSION
from kapsa.models.environment import EnvironmentSpec
from kapsa.models.meta import ClusterObjectReference, DomainReference, ProjectReference
from kapsa.models.project import Project
from kapsa.utils.names import slug


@dataclass(frozen=True)
class EnvironmentContext:
    """What the Environment of a Project is made from, beside the plan.

    Attributes:
        project: The Project.
        subdomain: The name below the base domain that the Project holds; nothing without a domain.
        image: The image to run; nothing while there is none.
        image_reference: The tag that the image was, or is being, looked up by.
    """

    project: Project
    subdomain: str = ""
    image: str = ""
    image_reference: str = ""


def environment(desired: DesiredEnvironment, context: EnvironmentContext) -> dict[str, Any]:
    """Return the Environment. It is owned by the Project where both share a namespace."""
    meta = context.project.metadata
    permanent = desired.identity[0] == PERMANENT
    spec = EnvironmentSpec(
        project_ref=ProjectReference(name=meta.name, namespace=meta.namespace, uid=meta.uid),
        type="permanent" if permanent else "preview",
        branch=desired.branch or None,
        commit=desired.commit or None,
        pull_request=desired.pull_request,
        image=context.image or None,
        registry=_registry(context.project),
        ttl=None if permanent else context.project.spec.preview_environments.ttl,
        domain=_domain(context),
        runtime=desired.runtime,
        ingress=desired.ingress,
    )
    said = spec.to_json()
    # Whoever suspends one Environment of a Project is not overruled by it.
    del said["suspend"]
    annotations = {}
    if desired.branch:
        annotations[labels.REF] = desired.branch
    if desired.target.tag:
        annotations[labels.TAG] = desired.target.tag
    if context.image_reference:
        annotations[labels.IMAGE_REFERENCE] = context.image_reference
    metadata: dict[str, Any] = {
        "name": desired.name,
        "namespace": desired.namespace,
        "labels": _labels(desired, meta.name),
        "annotations": annotations,
    }
    if desired.namespace == meta.namespace:
        metadata["ownerReferences"] = [
            labels.owner_reference(API_VERSION, "Project", meta.name, meta.uid)
        ]
    return {
        "apiVersion": API_VERSION,
        "kind": "Environment",
        "metadata": metadata,
        "spec": said,
    }


def _domain(context: EnvironmentContext) -> DomainReference | None:
    domain = context.project.spec.domain
    if domain is None or not context.subdomain:
        return None
    return DomainReference(domain_pool_ref=domain.domain_pool_ref, subdomain=context.subdomain)


def _registry(project: Project) -> ClusterObjectReference | None:
    named = project.spec.registry
    return ClusterObjectReference(name=named.name) if named else None


def _labels(desired: DesiredEnvironment, project: str) -> dict[str, str]:
    built = {
        **labels.MANAGED,
        labels.NAME: project,
        labels.INSTANCE: desired.slug,
        labels.PROJECT: project,
    }
    if desired.pull_request is not None:
        built[labels.PULL_REQUEST] = str(desired.pull_request.number)
    elif desired.identity[0] != PERMANENT:
        built[labels.BRANCH] = slug(desired.branch)
    return built
