"""Carries out the plan of a Project: one Environment after the other is brought to what it says."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from kapsa.adapters.cluster import NotFenced
from kapsa.adapters.errors import AdapterError
from kapsa.controllers.indexes import NAMESPACE, OWNER, PROJECT
from kapsa.controllers.namespaces.furnishing import Furnished
from kapsa.controllers.namespaces.homes import Homes, staying
from kapsa.controllers.projects.images import FoundImage, ProjectImages
from kapsa.controllers.projects.inputs import Surroundings
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Manifest
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.controllers.registries.images import Images
from kapsa.controllers.state import State, parse_all
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.drift import stamp
from kapsa.core.manifests.environment import EnvironmentContext, environment
from kapsa.core.projects.namespaces import common_namespace, environment_namespace, is_at_home
from kapsa.core.projects.naming import Identity
from kapsa.core.projects.plans import DesiredEnvironment, ProjectPlan
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.project_status import Available
from kapsa.models.reasons import Reason

_SURPRISE_RETRY = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class RolledOut:
    """What became of a plan.

    Attributes:
        failures: What went wrong.
        absent: Why there is no Environment, by what it would stand for.
    """

    failures: tuple[Blocked, ...] = ()
    absent: Mapping[Identity, Blocked] = field(default_factory=dict)


@dataclass(frozen=True)
class Rollout:
    """Brings the Environments of a Project to its plan.

    Attributes:
        state: The caches.
        applier: Writes objects.
        images: Remembers why Environments have no image.
        homes: Makes and removes namespaces of Environments.
        found: Finds the Project's images.
    """

    state: State
    applier: Applier
    images: Images
    homes: Homes
    found: ProjectImages

    async def carry_out(
        self, project: Project, around: Surroundings, plan: ProjectPlan
    ) -> RolledOut:
        """Write what is planned; return what went wrong."""
        existing = {item.metadata.name: item for item in environments_of(self.state, project)}
        # Without a subdomain a new Environment would have no URL, and later a second one.
        wanted = plan.wanted if not around.domain_problem else plan.update
        results = await asyncio.gather(
            *(self._settle(project, around, item, existing.get(item.name)) for item in wanted),
            return_exceptions=True,
        )
        brought = [_rolled_out(result) for result in results]
        failures = [failure for item in brought for failure in item.failures]
        for name in staying(existing.values(), plan, (item.name for item in wanted)):
            failures += _new_problems(await self.homes.see_to(project, name, around), around)
        for item in plan.delete:
            failure = await self.homes.leave(project, item)
            failures += [failure] if failure else []
        failures += await self.homes.leave_forsaken(project, plan)
        absent = {identity: why for item in brought for identity, why in item.absent.items()}
        return RolledOut(tuple(failures), absent)

    async def _settle(
        self,
        project: Project,
        around: Surroundings,
        desired: DesiredEnvironment,
        existing: Environment | None,
    ) -> RolledOut:
        """Bring one Environment to the plan, its namespace first; return what went wrong."""
        home = await self.homes.see_to(project, desired.name, around)
        problems = _new_problems(home, around)
        obstacle = home.unusable
        if existing is None and not home.is_safe:
            obstacle = obstacle or home.problems[0]
        if obstacle is not None:
            return RolledOut(problems, {} if existing else {desired.identity: obstacle})
        failure = await self._bring(project, around, desired, existing)
        return RolledOut((*problems, failure) if failure else problems)

    async def _bring(
        self,
        project: Project,
        around: Surroundings,
        desired: DesiredEnvironment,
        existing: Environment | None,
    ) -> Blocked | None:
        """Bring one Environment to the plan; return what went wrong."""
        found = await self.found.of(desired, existing)
        if _is_not_built(found) and existing is not None and existing.spec.image:
            # Commit and image that run go together.
            desired, found = _as_it_is(desired, existing)
        image = found.image
        key = (desired.namespace, desired.name)
        subdomain = around.subdomain
        if around.domain_problem and existing and existing.spec.domain:
            subdomain = existing.spec.domain.subdomain or ""
        manifest = environment(
            desired,
            EnvironmentContext(
                project=project,
                subdomain=subdomain,
                image=image if isinstance(image, str) else "",
                image_reference=found.reference,
            ),
        )
        try:
            await self.applier.apply(
                stamp(manifest),
                lambda live: names(live, project),
            )
        except AdapterError as error:
            return interpret(error).blocked
        finally:
            self.images.note(key, found.obstacle)
        return None

    async def offers(
        self, project: Project, plan: ProjectPlan
    ) -> tuple[dict[str, Available], list[float]]:
        """Return what environments that wait to be told could run, by their names.

        An offer without an image has none yet: the seconds after which to look for those again are
        returned too.
        """
        before = {item.name: item.available for item in project.status.environments}
        offers, retries = {}, []
        for item in plan.offered:
            image = (await self.found.of(item, None, before.get(item.name))).image
            if isinstance(image, Blocked) and image.retry_after:
                retries.append(image.retry_after)
            offers[item.name] = Available(
                commit=item.commit, image=image if isinstance(image, str) else ""
            )
        return offers, retries

    def image_retries(self, project: Project) -> list[float]:
        """Return the seconds after which to look again for images that weren't there."""
        obstacles = (
            self.images.obstacle((item.metadata.namespace, item.metadata.name))
            for item in environments_of(self.state, project)
        )
        return [blocked.retry_after for blocked in obstacles if blocked and blocked.retry_after]


def _is_not_built(found: FoundImage) -> bool:
    return isinstance(found.image, Blocked) and found.image.reason == Reason.BUILD_SKIPPED


def _as_it_is(
    desired: DesiredEnvironment, existing: Environment
) -> tuple[DesiredEnvironment, FoundImage]:
    """Return an Environment as desired, but for commit and image, which stay what they are."""
    spec = existing.spec
    target = replace(desired.target, commit=spec.commit or "")
    reference = existing.metadata.annotations.get(labels.IMAGE_REFERENCE, "")
    return replace(desired, target=target), FoundImage(spec.image or "", reference)


def environments_of(state: State, project: Project) -> tuple[Environment, ...]:
    """Return the Project's Environments: anybody may name it, but only where they live."""
    found = parse_all(Environment, state.environments.find(PROJECT, project.metadata.uid))
    return tuple(item for item in found if is_at_home(item, project))


def taken_names(state: State, project: Project) -> frozenset[str]:
    """Return the names that Environments of others have, where the Project's would be."""
    common = common_namespace(project)
    made = state.namespaces.find(OWNER, project.metadata.uid)
    where = [common] if common else [item["metadata"]["name"] for item in made]
    return frozenset(
        manifest["metadata"]["name"]
        for namespace in where
        for manifest in state.environments.find(NAMESPACE, namespace)
        if takes_name(state, manifest, project)
        and namespace == environment_namespace(project, manifest["metadata"]["name"])
    )


def takes_name(state: State, manifest: Manifest, project: Project) -> bool:
    """Tell whether a live Environment keeps its name from the Project.

    What a Project of the same name left behind doesn't: it is being cleaned up.
    """
    owners = labels.owner_uids(manifest)
    is_left_over = bool(owners) and not any(map(state.is_known, owners))
    return not names(manifest, project) and not is_left_over


def names(manifest: Manifest, project: Project) -> bool:
    """Tell whether a live Environment names the Project."""
    reference = (manifest.get("spec") or {}).get("projectRef") or {}
    return bool(reference.get("uid") == project.metadata.uid)


def _new_problems(home: Furnished, around: Surroundings) -> tuple[Blocked, ...]:
    """Return what is wrong with a namespace of one Environment; of the common one it is known."""
    if around.furnished is not None:
        return ()
    return (home.unusable,) if home.unusable else home.problems


def _rolled_out(result: RolledOut | BaseException) -> RolledOut:
    return result if isinstance(result, RolledOut) else RolledOut((_failure(result),))


def _failure(result: BaseException) -> Blocked:
    """Return what went wrong with one Environment, for the Project's status.

    Raises:
        NotFenced: No Environment can be written now.
    """
    if isinstance(result, NotFenced) or not isinstance(result, Exception):
        raise result
    log.error("an Environment could not be brought in order", exc_info=result)
    return Blocked(
        Reason.RECONCILING,
        "an Environment could not be brought in order; the operator's log says why",
        retry_after=_SURPRISE_RETRY,
    )
