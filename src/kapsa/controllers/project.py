"""Reconciles a Project: gather, plan, apply, report."""

import asyncio
from dataclasses import dataclass, field

import structlog
from pydantic import ValidationError

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.cluster import Cluster, NotFenced
from kapsa.adapters.errors import AdapterError
from kapsa.config import Settings
from kapsa.controllers.applier import Applier
from kapsa.controllers.cache import Key, Manifest, uid_of
from kapsa.controllers.images import Images
from kapsa.controllers.outcome import STALLED_RETRY, interpret
from kapsa.controllers.polling import Poller, Snapshot
from kapsa.controllers.project_inputs import ProjectInputs, Surroundings
from kapsa.controllers.report import report, report_invalid
from kapsa.controllers.state import PROJECT, State, parse, parse_all
from kapsa.core import labels
from kapsa.core.conditions import Blocked, find
from kapsa.core.drift import stamp
from kapsa.core.images import BuildInput, decide_build, expand_template
from kapsa.core.listings import PullRequestListing, RefListing
from kapsa.core.manifests.environment import EnvironmentContext, environment
from kapsa.core.manifests.namespace import namespace_name
from kapsa.core.plans import DesiredEnvironment, ProjectPlan
from kapsa.core.policies import HoldInput, hold_mass_deletion
from kapsa.core.previews import pull_requests_from_refs
from kapsa.core.project import ProjectInput, plan_environments
from kapsa.core.project_status import CLEANUP_HELD, ProjectObserved, project_status
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from kapsa.utils.times import from_rfc3339, to_rfc3339

_SURPRISE_RETRY = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Asked:
    """A poll that a person asked for, and what was known of the repository at that time."""

    requested: str
    before: Snapshot | None


@dataclass(frozen=True)
class ProjectController:
    """Brings Projects in order.

    Attributes:
        cluster: The API.
        state: The caches.
        applier: Writes objects.
        inputs: Sees to namespace, repository, subdomain and Registry.
        images: Looks up images.
        poller: Reads repositories.
        clock: The API server's time.
        settings: The operator's settings.
    """

    cluster: Cluster
    state: State
    applier: Applier
    inputs: ProjectInputs
    images: Images
    poller: Poller
    clock: ServerClock
    settings: Settings
    _asked: dict[Key, _Asked] = field(default_factory=dict)

    async def reconcile(self, key: Key) -> float | None:
        """Bring one Project in order; return the seconds after which to look again."""
        live = self.state.projects.get(*key)
        if live is None or live["metadata"].get("deletionTimestamp"):
            self.poller.unwatch(key)
            self._asked.pop(key, None)
            return None
        project = parse(Project, live)
        if isinstance(project, ValidationError):
            now = to_rfc3339(self.clock.now())
            await report_invalid(self.cluster, self.state.projects, live, project, now)
            return None
        if project.spec.suspend:
            self.poller.unwatch(key)
            suspended = Blocked(Reason.SUSPENDED, Reason.SUSPENDED.explanation)
            await self._report(
                live,
                ProjectObserved(
                    project=project,
                    namespace=project.status.namespace,
                    environments=self._environments(project),
                    failure=suspended,
                ),
            )
            return None
        return await self._reconcile(live, project)

    async def _reconcile(self, live: Manifest, project: Project) -> float | None:
        key = (project.metadata.namespace, project.metadata.name)
        asked = self._poll_if_asked(project)
        around = await self.inputs.see_to(project)
        snapshot = self.poller.snapshot(key)
        # A person confirms what the poll shows that they asked for, and not what was known before.
        polling = asked is not None and snapshot is asked.before and around.repository is None
        confirmed = asked is not None and not polling
        plan: ProjectPlan | None = None
        failures: list[Blocked] = []
        if around.failure is None:
            plan = self._plan(project, around, snapshot, confirmed=confirmed)
            failures = await self._carry_out(project, around, plan)
        observed = ProjectObserved(
            project=project,
            namespace=around.namespace,
            environments=self._environments(project),
            plan=plan if snapshot is not None else None,
            subdomain=around.subdomain,
            head=(snapshot.refs if snapshot else RefListing()).branches.get(
                project.spec.repository.branch, ""
            ),
            repository=around.repository or _repository_problem(snapshot, project),
            registry=around.registry_problem,
            domain=around.domain_problem,
            failure=around.failure or next(iter(failures), None),
            polled_at=snapshot.listed_at if snapshot else None,
            next_poll_at=self.poller.next_poll_at(key),
            polling=polling,
        )
        await self._report(live, observed)
        retries = [blocked.retry_after or STALLED_RETRY for blocked in failures]
        retries += [
            blocked.retry_after or STALLED_RETRY
            for blocked in (around.failure, around.domain_problem, around.registry_problem)
            if blocked is not None
        ]
        if around.repository is not None:
            # Most likely a Secret, which isn't watched.
            retries.append(self.inputs.poll_interval(project))
        retries += self._image_retries(project)
        return min(retries, default=None)

    def _environments(self, project: Project) -> tuple[Environment, ...]:
        """Return the Project's Environments: anybody may name it, but only in its namespace."""
        namespace = namespace_name(project)
        return parse_all(
            Environment,
            (
                manifest
                for manifest in self.state.environments.find(PROJECT, project.metadata.uid)
                if manifest["metadata"]["namespace"] == namespace
            ),
        )

    def _poll_if_asked(self, project: Project) -> _Asked | None:
        """Poll now where a person asked for it; return that as long as it isn't handled."""
        key = (project.metadata.namespace, project.metadata.name)
        requested = project.metadata.annotations.get(labels.REQUESTED_AT, "")[:64]
        if not requested or requested == project.status.last_handled_requested_at:
            self._asked.pop(key, None)
            return None
        asked = self._asked.get(key)
        if asked is None or asked.requested != requested:
            asked = self._asked[key] = _Asked(requested, self.poller.snapshot(key))
            self.images.forget_failures()
            self.poller.poll_now(key)
        return asked

    def _plan(
        self,
        project: Project,
        around: Surroundings,
        snapshot: Snapshot | None,
        *,
        confirmed: bool,
    ) -> ProjectPlan:
        refs = snapshot.refs if snapshot else RefListing()
        existing = self._environments(project)
        plan = plan_environments(
            ProjectInput(
                project=project,
                namespace=around.namespace,
                refs=refs,
                pull_requests=_pull_requests(project, snapshot),
                existing=existing,
                taken=frozenset(
                    manifest["metadata"]["name"]
                    for manifest in self.state.environments.find("namespace", around.namespace)
                    if not _names(manifest, project)
                ),
            )
        )
        held = find(project.status.conditions, CLEANUP_HELD)
        since = held.last_transition_time if held and held.status == "True" else ""
        return hold_mass_deletion(
            plan,
            HoldInput(
                previews=sum(
                    item.spec.type == "preview" and not item.metadata.deletion_timestamp
                    for item in existing
                ),
                held_since=from_rfc3339(since),
                listed_at=(snapshot.listed_at if snapshot else None) or 0.0,
                hold=self.settings.mass_deletion_hold,
                confirmed=confirmed,
            ),
        )

    async def _carry_out(
        self, project: Project, around: Surroundings, plan: ProjectPlan
    ) -> list[Blocked]:
        """Write what is planned; return what went wrong, one Environment being one failure."""
        existing = {item.metadata.name: item for item in self._environments(project)}
        # Without a subdomain a new Environment would have no URL, and later a second one.
        wanted = plan.wanted if not around.domain_problem else plan.update
        results = await asyncio.gather(
            *(self._bring(project, around, item, existing.get(item.name)) for item in wanted),
            return_exceptions=True,
        )
        failures = [_failure(result) for result in results if result is not None]
        for item in plan.delete:
            live = self.state.environments.get(item.metadata.namespace, item.metadata.name)
            if live is not None and uid_of(live) == item.metadata.uid:
                try:
                    await self.applier.delete(live)
                except AdapterError as error:
                    failures.append(interpret(error).blocked)
        return failures

    async def _bring(
        self,
        project: Project,
        around: Surroundings,
        desired: DesiredEnvironment,
        existing: Environment | None,
    ) -> Blocked | None:
        """Bring one Environment to the plan; return what went wrong."""
        image = await self._image(project, around, desired, existing)
        key = (desired.namespace, desired.name)
        reference = _reference(project, desired)
        subdomain = around.subdomain
        if around.domain_problem and existing and existing.spec.domain:
            subdomain = existing.spec.domain.subdomain or ""
        manifest = environment(
            desired,
            EnvironmentContext(
                project=project,
                subdomain=subdomain,
                image=image if isinstance(image, str) else "",
                image_reference=reference if isinstance(reference, str) else "",
            ),
        )
        try:
            await self.applier.apply(
                stamp(manifest),
                lambda live: _names(live, project),
            )
        except AdapterError as error:
            return interpret(error).blocked
        finally:
            self.images.note(key, image if isinstance(image, Blocked) else None)
        return None

    async def _image(
        self,
        project: Project,
        around: Surroundings,
        desired: DesiredEnvironment,
        existing: Environment | None,
    ) -> str | Blocked:
        reference = _reference(project, desired)
        if isinstance(reference, Blocked):
            return reference
        decision = decide_build(
            BuildInput(
                commit=desired.commit,
                reference=reference,
                current_commit=(existing.spec.commit or "") if existing else "",
                current_reference=(
                    existing.metadata.annotations.get(labels.IMAGE_REFERENCE, "")
                    if existing
                    else ""
                ),
                current_image=(existing.spec.image or "") if existing else "",
            )
        )
        if not decision.required:
            return decision.image
        if around.registry_problem is not None:
            return around.registry_problem
        return await self.images.resolve(reference, around.registry)

    def _image_retries(self, project: Project) -> list[float]:
        obstacles = (
            self.images.obstacle((item.metadata.namespace, item.metadata.name))
            for item in self._environments(project)
        )
        return [blocked.retry_after for blocked in obstacles if blocked and blocked.retry_after]

    async def _report(self, live: Manifest, observed: ProjectObserved) -> None:
        # The writes above went through the cache: the newest object is the one to compare with.
        await report(
            self.cluster,
            self.state.projects,
            live,
            new=project_status(observed, self.clock.now()),
            previous=observed.project.status,
        )


def _is_of_a_former(project: Project, environment: Manifest) -> bool:
    """Tell whether an Environment is left over from a Project that had this one's name."""
    reference = (environment.get("spec") or {}).get("projectRef") or {}
    meta = project.metadata
    return (reference.get("namespace"), reference.get("name")) == (meta.namespace, meta.name)


def _names(manifest: Manifest, project: Project) -> bool:
    """Tell whether a live Environment names the Project."""
    reference = (manifest.get("spec") or {}).get("projectRef") or {}
    return bool(reference.get("uid") == project.metadata.uid)


def _failure(result: Blocked | BaseException) -> Blocked:
    """Return what went wrong with one Environment, for the Project's status.

    Raises:
        NotFenced: No Environment can be written now.
    """
    if isinstance(result, Blocked):
        return result
    if isinstance(result, NotFenced) or not isinstance(result, Exception):
        raise result
    log.error("an Environment could not be brought in order", exc_info=result)
    return Blocked(
        Reason.RECONCILING,
        "an Environment could not be brought in order; the operator's log says why",
        retry_after=_SURPRISE_RETRY,
    )


def _reference(project: Project, desired: DesiredEnvironment) -> str | Blocked:
    return expand_template(
        project.spec.build.image,
        sha=desired.commit,
        branch=desired.branch,
        pr=desired.pull_request.number if desired.pull_request else 0,
    )


def _pull_requests(project: Project, snapshot: Snapshot | None) -> PullRequestListing:
    """Return the open pull requests; where there is no forge, those that the refs show."""
    if snapshot is None:
        return PullRequestListing()
    if snapshot.provider != "git":
        return snapshot.pull_requests
    followed = {permanent.branch for permanent in project.spec.environments}
    return pull_requests_from_refs(
        snapshot.refs, frozenset({project.spec.repository.branch, *followed})
    )


def _repository_problem(snapshot: Snapshot | None, project: Project) -> Blocked | None:
    if snapshot is not None:
        return snapshot.problem
    before = find(project.status.conditions, "RepositoryAccessible")
    if before is not None and before.status == "True":
        # Just started: nothing speaks against what was found before.
        return None
    return Blocked(Reason.REPOSITORY_NOT_READ, Reason.REPOSITORY_NOT_READ.explanation)
