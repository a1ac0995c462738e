"""What the plan of a Project is made from."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import ValidationError

from kapsa.cli.planning.values import Manifest
from kapsa.core.conditions import Blocked
from kapsa.core.projects.furnishings import NamespaceRules
from kapsa.core.projects.listings import PullRequestListing, RefListing
from kapsa.core.projects.namespaces import is_at_home
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.registry import Registry


@dataclass(frozen=True)
class PlanInput:
    """All that the plan of a Project depends on.

    Attributes:
        project: The Project.
        refs: The refs of its repository.
        pull_requests: Its open pull requests.
        environments: Every Environment that is known, whoever's it is, as it is stored.
        pool: The DomainPool that it names, or why that can't be used; None where it names none.
        refusal: Why the pool gives the Project nothing new; None where it does.
        routing: Why the cluster has no routes as the pool wants them; None where it has.
        has_cert_manager: Whether the cluster has cert-manager.
        registry: The Registry that it names, or why that can't be used; None where none is known.
        pull_secret: Name of the Secret with which images are pulled from it; nothing for none.
        rules: What the operator wants of every namespace that it makes.
        namespaces: UIDs of the namespaces that there are, as far as they are known, by name.
        jobs: Live Jobs of its Environments, as far as they are known.
        volume_claims: Live claims of volumes beside its Environments, as far as they are known.
        now: Unix time.
        hold: Seconds for which a mass disappearance must last before it is believed.
    """

    project: Project
    refs: RefListing
    pull_requests: PullRequestListing
    environments: tuple[Manifest, ...] = ()
    pool: DomainPool | Blocked | None = None
    refusal: Blocked | None = None
    routing: Blocked | None = None
    has_cert_manager: bool = True
    registry: Registry | Blocked | None = None
    pull_secret: str = ""
    rules: NamespaceRules = field(default_factory=NamespaceRules)
    namespaces: Mapping[str, str] = field(default_factory=dict)
    jobs: tuple[Manifest, ...] = ()
    volume_claims: tuple[Manifest, ...] = ()
    now: float = 0.0
    hold: float = 300.0


def environments_of(project: Project, environments: Iterable[Manifest]) -> tuple[Environment, ...]:
    """Return the Environments that name the Project, and are where its Environments live."""
    return tuple(
        item
        for item in parse_all(environments)
        if is_at_home(item, project)
        and item.spec.project_ref is not None
        and item.spec.project_ref.uid == project.metadata.uid
    )


def parse_all(environments: Iterable[Manifest]) -> tuple[Environment, ...]:
    """Return the Environments that can be read; the operator does nothing with the others."""
    found = []
    for manifest in environments:
        with suppress(ValidationError):
            found.append(Environment.model_validate(manifest))
    return tuple(found)
