"""Begins, cancels and forgets builds: one decision at a time, over all of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import structlog

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import AdapterError
from kapsa.config import Settings
from kapsa.controllers.builds.beginnings import Beginnings, Home
from kapsa.controllers.builds.failures import BuildFailures
from kapsa.controllers.builds.hidden import HiddenValues
from kapsa.controllers.builds.metrics import BuildMetrics
from kapsa.controllers.builds.orders import BuildOrders
from kapsa.controllers.builds.tries import Tries
from kapsa.controllers.indexes import BUILD, NAMESPACE, OWNER, UID
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Cache, Key, Manifest, key_of
from kapsa.controllers.reconciling.owners import is_alive
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.builds.buildkit import BuildKit
from kapsa.core.builds.kpack import Kpack
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.queue import Interest, QueueInput, decide_queue
from kapsa.core.builds.strategies import Strategy
from kapsa.core.builds.wants import Identity, Want
from kapsa.core.conditions import Blocked
from kapsa.models.project import Project

THE_QUEUE: Final = "builds"
"""The one key of the queue: who begins a build must know of all others."""

log = structlog.get_logger(__name__)


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
        self._failures = BuildFailures(parts.cluster, self.namespace)
        self._hidden = HiddenValues(parts.cluster, parts.state, self.namespace)
        self._beginnings = Beginnings(
            parts.state, parts.applier, parts.home, parts.orders, self._hidden
        )
        self._metrics = BuildMetrics()

    def settle(self, uid: str, interest: Interest) -> None:
        """Take note of what a Project says of its builds."""
        if self._interests.get(uid) == interest:
            return
        self._interests[uid] = interest
        self.queue.add(THE_QUEUE)

    def suspend(self, uid: str) -> None:
        """Take note that a Project wants nothing new; what it said of what there is holds."""
        said = self._interests.get(uid)
        if said is not None:
            self.settle(uid, replace(said, wants=()))

    def obstacle(self, uid: str, key: str) -> Blocked | None:
        """Return why a build of a Project can't begin; None where nothing is known."""
        return self._beginnings.obstacles.get((uid, key))

    async def attempts(self, project: Project, key: str) -> tuple[LiveBuild, ...]:
        """Return all attempts of a build, with why they failed."""
        found = [build for build, _ in self._live(project.metadata.uid) if build.key == key]
        is_news = any(_is_failed(build) and not self._failures.knows(build) for build in found)
        present = await self._present_secrets(project) if is_news else None
        return tuple(
            [
                await self._failures.explain(build, await self._hidden_from(build, present))
                if _is_failed(build)
                else build
                for build in found
            ]
        )

    async def _present_secrets(self, project: Project) -> tuple[str, ...] | None:
        try:
            return await self._parts.orders.secret_values(project)
        except AdapterError as error:
            name = project.metadata.name
            log.info("what must not show is not known", project=name, why=str(error))
            return None

    async def _hidden_from(
        self, build: LiveBuild, present: tuple[str, ...] | None
    ) -> tuple[str, ...] | None:
        """Return what must not show of what a build says; None where that isn't known.

        Args:
            build: A build that failed.
            present: What a build of the same Project would be told now.
        """
        if self._failures.knows(build):
            return None
        try:
            told = await self._hidden.of(build.name)
        except AdapterError as error:
            log.info("what a build was told is not known", name=build.name, why=str(error))
            return None
        return present if told is None else (*told, *(present or ()))

    async def reconcile(self, _: str) -> float | None:
        """Bring all builds in order; return the seconds after which to look again."""
        parts, tries = self._parts, Tries()
        live = {build.uid: (build, manifest) for build, manifest in self._live()}
        builds = [build for build, _ in live.values()]
        gone = await self._gone(live.values(), tries)
        known = QueueInput(
            # Projects go on to speak while builds begin.
            interests=dict(self._interests),
            gone=gone,
            live=builds,
            most=parts.settings.build_concurrency,
            most_per_project=parts.settings.build_concurrency_per_project,
            retention=parts.settings.build_retention,
            now=parts.clock.now(),
        )
        decision = decide_queue(known)
        await self._delete([live[build.uid] for build in decision.forget], tries)
        cancelled = await self._delete([live[build.uid] for build in decision.cancel], tries)
        self._metrics.observe(builds, cancelled)
        kept = [build for build in builds if build.uid not in cancelled]
        await self._tidy(kept, (*decision.start, *decision.waiting), tries)
        undeleted = frozenset(build.uid for build in decision.cancel) - cancelled
        before = self._beginnings.obstacles
        decision, retry = await self._beginnings.begin(replace(known, undeleted=undeleted), tries)
        stuck = self._beginnings.obstacles
        self._metrics.wait(sum(want.identity not in stuck for want in decision.waiting))
        self._tell_of(before)
        times = (decision.look_again, retry, *tries.retries)
        return min((seconds for seconds in times if seconds is not None), default=None)

    async def _delete(self, builds: Iterable[tuple[LiveBuild, Manifest]], tries: Tries) -> set[str]:
        """Delete builds; return the UIDs of those that are deleted."""
        deleted = set()
        for build, manifest in builds:
            with tries.one(build=build.name):
                await self._parts.applier.delete(manifest)
                deleted.add(build.uid)
        return deleted

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

    async def _gone(
        self, live: Iterable[tuple[LiveBuild, Manifest]], tries: Tries
    ) -> frozenset[str]:
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
        gone = set()
        for uid, manifest in unknown.items():
            with tries.one(project=uid):
                if not await is_alive(self._parts.cluster, manifest, uid):
                    gone.add(uid)
        return frozenset(gone)

    async def _tidy(self, builds: Iterable[LiveBuild], wants: Iterable[Want], tries: Tries) -> None:
        """Delete and forget what only running builds need, of those that ended or never began.

        What was made for a build of a Project that was not looked at yet may be needed at once.
        What a failed build was told is kept in memory until its log was shown.
        """
        known = {build.name: build for build in builds}
        wanted = {want.name for want in wants}
        self._hidden.keep_only(
            wanted | {name for name, build in known.items() if self._may_be_asked(build)}
        )
        state = self._parts.state
        for cache in (state.secrets, state.service_accounts):
            for manifest in cache.find(NAMESPACE, self.namespace):
                own = manifest["metadata"].get("labels") or {}
                name, uid = own.get(labels.BUILD, ""), own.get(labels.OWNER_UID, "")
                if not name or name in wanted:
                    continue
                build = known.get(name)
                is_judged = uid in self._interests or not state.projects.find(UID, uid)
                if build is None and not is_judged:
                    continue
                if build is not None and build.state == BuildState.RUNNING:
                    continue
                with tries.one(build=name):
                    if build is not None and self._may_be_asked(build):
                        await self._hidden.of(name)
                    await self._parts.applier.delete(manifest)

    def _may_be_asked(self, build: LiveBuild) -> bool:
        """Tell whether somebody may ask yet why a build failed, or will have."""
        if build.state == BuildState.FAILED:
            return not self._failures.knows(build)
        return build.state == BuildState.RUNNING

    def _tell_of(self, before: Mapping[Identity, Blocked]) -> None:
        """Have those Projects looked at whose builds meet another obstacle than before, or none."""
        obstacles = self._beginnings.obstacles
        for uid, key in before.keys() | obstacles.keys():
            if before.get((uid, key)) != obstacles.get((uid, key)):
                for manifest in self._parts.state.projects.find(UID, uid):
                    self._on_change(key_of(manifest))


def _is_failed(build: LiveBuild) -> bool:
    return build.state == BuildState.FAILED
