"""Begins, cancels and forgets builds: one decision at a time, over all of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import AdapterError
from kapsa.config import Settings
from kapsa.controllers.builds.failures import BuildFailures
from kapsa.controllers.builds.metrics import BuildMetrics
from kapsa.controllers.builds.orders import BuildOrders
from kapsa.controllers.indexes import BUILD, NAMESPACE, OWNER, UID
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Cache, Key, Manifest, key_of
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.controllers.reconciling.owners import is_alive
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.state import State, parse
from kapsa.core import labels
from kapsa.core.builds.buildkit import BuildKit
from kapsa.core.builds.kpack import Kpack
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.orders import BuildOrder
from kapsa.core.builds.queue import Interest, QueueInput, decide_queue
from kapsa.core.builds.strategies import Strategy
from kapsa.core.builds.wants import Want
from kapsa.core.conditions import Blocked
from kapsa.core.drift import stamp
from kapsa.models.project import Project
from kapsa.models.reasons import Reason

THE_QUEUE: Final = "builds"
"""The one key of the queue: who begins a build must know of all others."""

_OBSTACLE_RETRY: Final = 30.0

log = structlog.get_logger(__name__)


class Home(Protocol):
    """Sees to the namespace of builds; see `kapsa.controllers.builds.namespace`."""

    async def see_to(self) -> Blocked | None:
        """Return why nothing can be built there; None where something can."""


@dataclass(frozen=True)
class BuildParts:
    """What builds are made with.

    Attributes:
        cluster: The API.
        state: The caches.
        applier: Writes objects.
        home: Sees to the namespace of builds.
        orders: Composes orders.
        clock: The API server's time.
        settings: The operator's settings.
    """

    cluster: Cluster
    state: State
    applier: Applier
    home: Home
    orders: BuildOrders
    clock: ServerClock
    settings: Settings


class Builds:
    """The queue of builds."""

    def __init__(
        self, parts: BuildParts, queue: Queue[str], on_change: Callable[[Key], None]
    ) -> None:
        """Take the means to build.

        Args:
            parts: The means.
            queue: Holds the one key while there is something to decide.
            on_change: Called with Projects whose build met an obstacle, or meets none any more.
        """
        self._parts = parts
        self.namespace = parts.settings.build_namespace
        self.queue = queue
        self._on_change = on_change
        self._buildkit, self._kpack = BuildKit(), Kpack()
        self._interests: dict[str, Interest] = {}
        self._obstacles: dict[tuple[str, str], Blocked] = {}
        self._failures = BuildFailures(parts.cluster, self.namespace)
        self._metrics = BuildMetrics()

    def settle(self, uid: str, interest: Interest) -> None:
        """Take note of what a Project says of its builds."""
        if self._interests.get(uid) == interest:
            return
        self._interests[uid] = interest
        self.queue.add(THE_QUEUE)

    def obstacle(self, uid: str, key: str) -> Blocked | None:
        """Return why a build of a Project can't begin; None where nothing is known."""
        return self._obstacles.get((uid, key))

    async def attempts(self, project: Project, key: str) -> tuple[LiveBuild, ...]:
        """Return all attempts of a build, with why they failed."""
        found = [build for build, _ in self._live(project.metadata.uid) if build.key == key]
        is_news = any(_is_failed(build) and not self._failures.knows(build) for build in found)
        secrets = await self._secret_values(project) if is_news else None
        return tuple(
            [
                await self._failures.explain(build, secrets) if _is_failed(build) else build
                for build in found
            ]
        )

    async def _secret_values(self, project: Project) -> tuple[str, ...] | None:
        try:
            return await self._parts.orders.secret_values(project)
        except AdapterError as error:
            name = project.metadata.name
            log.info("what must not show is not known", project=name, why=str(error))
            return None

    async def reconcile(self, _: str) -> float | None:
        """Bring all builds in order; return the seconds after which to look again."""
        parts = self._parts
        live = {build.uid: (build, manifest) for build, manifest in self._live()}
        builds = [build for build, _ in live.values()]
        decision = decide_queue(
            QueueInput(
                interests=self._interests,
                gone=await self._gone(live.values()),
                live=builds,
                most=parts.settings.build_concurrency,
                most_per_project=parts.settings.build_concurrency_per_project,
                retention=parts.settings.build_retention,
                now=parts.clock.now(),
            )
        )
        self._metrics.observe(builds, waiting=len(decision.waiting))
        for build in (*decision.cancel, *decision.forget):
            await parts.applier.delete(live[build.uid][1])
        kept = (build for build in builds if build not in decision.cancel)
        await self._remove_secrets(kept, (*decision.start, *decision.waiting))
        obstacles = {
            (want.origin.uid, want.key): obstacle
            for want in decision.start
            if (obstacle := await self._begin(want)) is not None
        }
        self._note(obstacles)
        times = [decision.look_again, _OBSTACLE_RETRY if obstacles else None]
        return min((seconds for seconds in times if seconds is not None), default=None)

    async def _begin(self, want: Want) -> Blocked | None:
        """Begin a build; return why that isn't possible."""
        project = next(
            (
                parsed
                for manifest in self._parts.state.projects.find(UID, want.origin.uid)
                if isinstance(parsed := parse(Project, manifest), Project)
            ),
            None,
        )
        if project is None or project.spec.suspend:
            return None
        strategy = self._strategy(project)
        if isinstance(strategy, Blocked):
            return strategy
        try:
            obstacle = await self._parts.home.see_to()
            if obstacle is not None:
                return obstacle
            order, secrets = await self._parts.orders.order(project, want)
            for manifest in strategy.objects(order, secrets):
                await self._parts.applier.apply(stamp(manifest), lambda live: _is_of(live, order))
        except AdapterError as error:
            return interpret(error).blocked
        log.info("build begun", project=want.origin.project, name=order.name, commit=order.commit)
        return None

    def _strategy(self, project: Project) -> Strategy | Blocked:
        if project.spec.build.strategy == "dockerfile":
            return self._buildkit
        if all(cache.is_served for cache in self._parts.state.kpack):
            return self._kpack
        return Blocked(
            Reason.BUILD_NOT_POSSIBLE,
            "build.strategy is buildpack, and the cluster has no kpack; have an admin install it"
            " (https://github.com/buildpacks-community/kpack), or use strategy dockerfile",
            stalled=True,
        )

    def _live(self, uid: str = "") -> Iterable[tuple[LiveBuild, Manifest]]:
        """Yield the builds of a Project, or of all, each with its object."""
        state = self._parts.state
        builders: list[tuple[Cache, Strategy]] = [(state.jobs, self._buildkit)]
        builders += [(cache, self._kpack) for cache in state.kpack]
        for cache, strategy in builders:
            found = cache.find(OWNER, uid) if uid else cache.find(NAMESPACE, self.namespace)
            for manifest in found:
                namespace, name = key_of(manifest)
                if namespace != self.namespace:
                    continue
                pods = state.pods.find(BUILD, f"{namespace}/{name}")
                build = strategy.read(manifest, tuple(pods))
                if build is not None:
                    yield build, manifest

    async def _gone(self, live: Iterable[tuple[LiveBuild, Manifest]]) -> frozenset[str]:
        """Return the UIDs of Projects of which the API server itself says that they are gone."""
        known = self._parts.state.projects
        self._interests = {
            uid: interest for uid, interest in self._interests.items() if known.find(UID, uid)
        }
        unknown = {
            build.project_uid: manifest
            for build, manifest in live
            if not known.find(UID, build.project_uid)
        }
        return frozenset(
            [
                uid
                for uid, manifest in unknown.items()
                if not await is_alive(self._parts.cluster, manifest, uid)
            ]
        )

    async def _remove_secrets(self, builds: Iterable[LiveBuild], wants: Iterable[Want]) -> None:
        """Delete what only running builds need, of those that have ended or never began.

        What was made for a build of a Project that was not looked at yet may be needed at once.
        """
        states = {build.name: build.state for build in builds}
        wanted = {want.name for want in wants}
        state = self._parts.state
        for cache in (state.secrets, state.service_accounts):
            for manifest in cache.find(NAMESPACE, self.namespace):
                own = manifest["metadata"].get("labels") or {}
                build, uid = own.get(labels.BUILD, ""), own.get(labels.OWNER_UID, "")
                if not build or build in wanted:
                    continue
                is_judged = uid in self._interests or not state.projects.find(UID, uid)
                is_over = states.get(build) not in {None, BuildState.RUNNING}
                if is_over or (build not in states and is_judged):
                    await self._parts.applier.delete(manifest)

    def _note(self, obstacles: Mapping[tuple[str, str], Blocked]) -> None:
        before, self._obstacles = self._obstacles, dict(obstacles)
        for uid, key in before.keys() | obstacles.keys():
            if before.get((uid, key)) != obstacles.get((uid, key)):
                for manifest in self._parts.state.projects.find(UID, uid):
                    self._on_change(key_of(manifest))


def _is_failed(build: LiveBuild) -> bool:
    return build.state == BuildState.FAILED


def _is_of(live: Manifest, order: BuildOrder) -> bool:
    own = live["metadata"].get("labels") or {}
    return labels.is_owned_by(live, order.origin.uid) and own.get(labels.BUILD) == order.name
