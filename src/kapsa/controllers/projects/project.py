"""Reconciles a Project: gather, plan, apply, report."""

from dataclasses import dataclass, field

import structlog
from pydantic import ValidationError

from kapsa.adapters.clock import ServerClock
from kapsa.config import Settings
from kapsa.controllers.builds.builds import Builds
from kapsa.controllers.indexes import OWNER
from kapsa.controllers.namespaces.homes import Homes
from kapsa.controllers.projects.builds import ProjectBuilds, Sources
from kapsa.controllers.projects.images import ProjectImages
from kapsa.controllers.projects.inputs import ProjectInputs, Surroundings
from kapsa.controllers.projects.polling import Poller, Snapshot
from kapsa.controllers.projects.rollout import Rollout, environments_of, taken_names
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Key, Manifest
from kapsa.controllers.reconciling.outcome import STALLED_RETRY
from kapsa.controllers.reconciling.report import Reporter
from kapsa.controllers.registries.images import Images
from kapsa.controllers.state import State, parse
from kapsa.core import labels
from kapsa.core.builds.queue import Interest
from kapsa.core.conditions import Blocked, find
from kapsa.core.projects.build_keys import remembered_keys
from kapsa.core.projects.listings import PullRequestListing, RefListing
from kapsa.core.projects.plans import ProjectPlan, told
from kapsa.core.projects.policies import HoldInput, hold_mass_deletion
from kapsa.core.projects.previews import merged_into, pull_requests_from_refs
from kapsa.core.projects.project import ProjectInput, plan_environments
from kapsa.core.projects.project_status import ProjectObserved, project_status
from kapsa.core.projects.spec_checks import check_project, refusal
from kapsa.models.conditions import ConditionType
from kapsa.models.project import Project
from kapsa.models.project_status import Available
from kapsa.models.reasons import Reason
from kapsa.utils.times import from_rfc3339, to_rfc3339

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
        reporter: Writes statuses.
        state: The caches.
        applier: Writes objects.
        inputs: Sees to namespace, repository, subdomain and Registry.
        images: Looks up images.
        repositories: Reads commits.
        builds: Has images built.
        poller: Reads repositories.
        clock: The API server's time.
        settings: The operator's settings.
    """

    reporter: Reporter
    state: State
    applier: Applier
    inputs: ProjectInputs
    images: Images
    repositories: Sources
    builds: Builds
    poller: Poller
    clock: ServerClock
    settings: Settings
    _asked: dict[Key, _Asked] = field(default_factory=dict)

    async def reconcile(self, key: Key) -> float | None:
        """Bring one Project in order; return the seconds after which to look again."""
        live = self.state.projects.get(*key)
        if live is None or live["metadata"].get("deletionTimestamp"):
            self.inputs.forget(key)
            self._asked.pop(key, None)
            return None
        project = parse(Project, live)
        if isinstance(project, ValidationError):
            now = to_rfc3339(self.clock.now())
            await self.reporter.report_invalid(self.state.projects, live, project, now)
            return None
        if project.spec.suspend:
            self.inputs.forget(key)
            self.builds.suspend(project.metadata.uid)
            suspended = Blocked(Reason.SUSPENDED, Reason.SUSPENDED.explanation)
            await self._report(
                live,
                ProjectObserved(
                    project=project,
                    environments=environments_of(self.state, project),
                    failure=suspended,
                ),
            )
            return None
        return await self._reconcile(live, project)

    async def _reconcile(self, live: Manifest, project: Project) -> float | None:
        key = (project.metadata.namespace, project.metadata.name)
        asked = self._poll_if_asked(project)
        around = await self.inputs.see_to(project)
        builds = self._builds(project, around)
        snapshot = self.poller.snapshot(key)
        # A person confirms what the poll shows that they asked for, and not what was known before.
        polling = asked is not None and snapshot is asked.before and around.repository is None
        confirmed = asked is not None and not polling
        plan: ProjectPlan | None = None
        failures = list(around.furnished.problems if around.furnished else ())
        offers: dict[str, Available] | None = None
        retries: list[float] = []
        # What runs keeps running while the spec contradicts itself.
        failure = around.failure or refusal(check_project(project))
        if failure is None:
            plan = self._plan(project, snapshot, confirmed=confirmed)
            found = ProjectImages(
                project,
                around,
                self.images,
                builds,
                poll_interval=self.inputs.poll_interval(project),
            )
            rollout = self._rollout(found)
            done = await rollout.carry_out(project, around, plan)
            failures += done.failures
            plan = told(plan, done.absent)
            offers, retries = await rollout.offers(project, plan)
            retries += (*rollout.image_retries(project), *found.next_looks)
            self._settle_builds(project, builds, plan)
        observed = ProjectObserved(
            project=project,
            environments=environments_of(self.state, project),
            plan=plan if snapshot is not None else None,
            offers=offers,
            subdomain=around.subdomain,
            head=(snapshot.refs if snapshot else RefListing()).branches.get(
                project.spec.repository.branch, ""
            ),
            repository=around.repository or _repository_problem(snapshot, project),
            builds=builds.summary if builds and plan else None,
            registry=around.registry_problem or around.registry_trouble,
            domain=around.domain_problem,
            failure=failure or next(iter(failures), None),
            polled_at=snapshot.listed_at if snapshot else None,
            next_poll_at=self.poller.next_poll_at(key),
            polling=polling,
        )
        await self._report(live, observed)
        retries += [blocked.retry_after or STALLED_RETRY for blocked in failures]
        retries += [
            blocked.retry_after or STALLED_RETRY
            for blocked in (around.failure, around.domain_problem, around.registry_problem)
            if blocked is not None
        ]
        if around.repository is not None:
            # Most likely a Secret, which isn't watched.
            retries.append(self.inputs.poll_interval(project))
        return min(retries, default=None)

    def _rollout(self, found: ProjectImages) -> Rollout:
        homes = Homes(self.inputs.furnisher)
        return Rollout(self.state, self.applier, self.images, homes, found)

    def _builds(self, project: Project, around: Surroundings) -> ProjectBuilds | None:
        """Return what has images built; None where CI does that."""
        if project.spec.build.strategy == "prebuilt":
            return None
        return ProjectBuilds(project, around, self.repositories, self.images, self.builds)

    def _settle_builds(
        self, project: Project, builds: ProjectBuilds | None, plan: ProjectPlan
    ) -> None:
        interest = Interest()
        if builds is not None:
            wanted = (*plan.wanted, *plan.offered)
            held = frozenset(item.metadata.name for item in plan.held)
            remembered = self._remembered_keys(project, builds.undecided(wanted) | held)
            interest = builds.interest(held.union(item.name for item in wanted), remembered)
        self.builds.settle(project.metadata.uid, interest)

    def _remembered_keys(self, project: Project, names: frozenset[str]) -> frozenset[str]:
        if not names:
            return frozenset()
        caches = (self.state.jobs, *self.state.kpack)
        built = (item for cache in caches for item in cache.find(OWNER, project.metadata.uid))
        return remembered_keys(names, environments_of(self.state, project), built)

    def _poll_if_asked(self, project: Project) -> _Asked | None:
        """Poll now where a person asked for it; return that as long as it isn't handled."""
        key = (project.metadata.namespace, project.metadata.name)
        requested = labels.requested_at(project.metadata.annotations)
        if not requested or requested == project.status.last_handled_requested_at:
            self._asked.pop(key, None)
            return None
        asked = self._asked.get(key)
        if asked is None or asked.requested != requested:
            asked = self._asked[key] = _Asked(requested, self.poller.snapshot(key))
            self.images.look_again_for(project.metadata.uid)
            self.poller.poll_now(key)
        return asked

    def _plan(
        self,
        project: Project,
        snapshot: Snapshot | None,
        *,
        confirmed: bool,
    ) -> ProjectPlan:
        refs = snapshot.refs if snapshot else RefListing()
        existing = environments_of(self.state, project)
        plan = plan_environments(
            ProjectInput(
                project=project,
                refs=refs,
                pull_requests=_pull_requests(project, snapshot),
                existing=existing,
                taken=taken_names(self.state, project),
            )
        )
        held = find(project.status.conditions, ConditionType.CLEANUP_HELD)
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

    async def _report(self, live: Manifest, observed: ProjectObserved) -> None:
        # The writes above went through the cache: the newest object is the one to compare with.
        await self.reporter.report(
            self.state.projects,
            live,
            new=project_status(observed, self.clock.now()),
            previous=observed.project.status,
        )


def _pull_requests(project: Project, snapshot: Snapshot | None) -> PullRequestListing:
    """Return the open pull requests; where there is no forge, those that the refs show."""
    if snapshot is None:
        return PullRequestListing()
    if snapshot.provider != "git":
        return snapshot.pull_requests
    return pull_requests_from_refs(snapshot.refs, merged_into(project.spec))


def _repository_problem(snapshot: Snapshot | None, project: Project) -> Blocked | None:
    if snapshot is not None:
        return snapshot.problem
    before = find(project.status.conditions, "RepositoryAccessible")
    if before is not None and before.status == "True":
        # Just started: nothing speaks against what was found before.
        return None
    return Blocked(Reason.REPOSITORY_NOT_READ, Reason.REPOSITORY_NOT_READ.explanation)
