"""A Registry: which images are on it, and who Kapsa is there."""

from typing import Final

from kapsa.core.conditions import Blocked
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry
from kapsa.utils.image_reference import parse_reference, registry_host

TOKEN_USER: Final = "x-access-token"  # noqa: S105 - a user name, not a token
"""User sent with a bare token. Gitea, Forgejo, GitHub and GitLab take any name beside a token."""


def robot_name(registry: Registry) -> str:
    """Return the user of a Secret that holds nothing but a token.

    Source: https://goharbor.io/docs/2.12.0/working-with-projects/project-configuration/create-robot-accounts/
    """
    options = registry.spec.options
    if registry.spec.type != "harbor" or not options.robot_account:
        return TOKEN_USER
    owner = f"{options.project_name}+" if options.project_name else ""
    return f"robot${owner}{options.robot_account}"


def registry_mismatch(reference: str, registry: Registry) -> Blocked | None:
    """Return why an image can't be looked up at the Registry; None where it can."""
    if parse_reference(reference).host == registry_host(registry.spec.endpoint):
        return None
    return Blocked(
        Reason.REGISTRY_MISMATCH,
        f"image {reference} is not on Registry {registry.metadata.name}, whose endpoint is"
        f" {registry.spec.endpoint}; use an image from there, or name another Registry in"
        " spec.registry.name",
        stalled=True,
    )
