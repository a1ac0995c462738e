"""Begins builds in their order, and passes over those that can't begin."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import structlog

from kapsa.adapters.errors import AdapterError
from kapsa.controllers.builds.hidden import HiddenValues
from kapsa.controllers.builds.orders import BuildOrders
from kapsa.controllers.builds.tries import Tries
from kapsa.controllers.indexes import UID
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Manifest
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.controllers.state import State, parse
from kapsa.core import labels
from kapsa.core.builds.builders import builder_refusal
from kapsa.core.builds.buildkit import BuildKit
from kapsa.core.builds.kpack import Kpack
from kapsa.core.builds.orders import BuildOrder
from kapsa.core.builds.queue import QueueDecision, QueueInput, decide_queue
from kapsa.core.builds.strategies import Strategy
from kapsa.core.builds.wants import Identity, Want
from kapsa.core.conditions import Blocked
from kapsa.core.drift import stamp
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry

_MOST_TRIES: Final = 10
"""Of one round, so that a registry which hangs does not keep the queue from all else."""
_RETRY: Final = 30.0
"""Seconds after which to try again what can't begin: not all that keeps it from that is watched."""
_AT_ONCE: Final = 0.0

log = structlog.get_logger(__name__)


class Home(Protocol):
    """Sees to the namespace of builds; see `kapsa.controllers.builds.namespace`."""

    async def see_to(self) -> Blocked | None:
        """Return why nothing can be built there; None where something can."""


@dataclass(frozen=True)
class _Means:
    """What a build is made with."""

    project: Project
    registry: Registry
    strategy: Strategy


@dataclass
class Beginnings:
    """Begins builds, and knows what keeps others from it.

    Attributes:
        state: The caches.
        applier: Writes objects.
        home: Sees to the namespace of builds.
        orders: Composes orders.
        hidden: Remembers what builds are told.
        obstacles: Why builds can't begin, as it was found when that was tried last.
    """

    state: State
    applier: Applier
    home: Home
    orders: BuildOrders
    hidden: HiddenValues
    obstacles: Mapping[Identity, Blocked] = field(default_factory=dict)
    _passed_over: frozenset[Identity] = frozenset()
    """What was tried in vain already, where there was more to try than fits into one round."""

    async def begin(self, known: QueueInput, tries: Tries) -> tuple[QueueDecision, float | None]:
        """Begin what there are places for; the place of what can't begin goes to the next in order.

        All are tried once before one is tried again.

        Returns:
            What is decided without those that can't begin, and the seconds after which to try
            again; None where nothing was passed over.
        """
        refused = self._hopeless(known, tries)
        decision = self._decide(known, refused)
        home = await self.home.see_to() if decision.start else None
        if home is not None:
            refused |= {want.identity: home for want in (*decision.start, *decision.waiting)}
        begun: set[Identity] = set()
        is_through = False
        for _ in range(_MOST_TRIES):
            decision = self._decide(known, refused)
            want = next((item for item in decision.start if item.identity not in begun), None)
            if want is None:
                is_through = True
                break
            outcome: Blocked | bool = False
            with tries.one(build=want.name):
                outcome = await self._begin(want)
            if outcome is True:
                begun.add(want.identity)
            else:
                refused[want.identity] = outcome or None
        self._note(known, begun, refused)
        passed_over = self._passed_over.union(refused)
        self._passed_over = frozenset() if is_through else passed_over
        if not is_through:
            return decision, _AT_ONCE
        return decision, _RETRY if passed_over else None

    def _decide(self, known: QueueInput, refused: Collection[Identity]) -> QueueDecision:
        return decide_queue(replace(known, passed_over=self._passed_over.union(refused)))

    def _hopeless(self, known: QueueInput, tries: Tries) -> dict[Identity, Blocked | None]:
        """Return what can't begin whatever its turn, as far as that shows without asking anybody.

        It is None where nobody needs to hear why.
        """
        hopeless: dict[Identity, Blocked | None] = {}
        for want in _wants(known):
            found: _Means | Blocked | None = None
            with tries.one(build=want.name):
                found = self._means(want)
            if not isinstance(found, _Means):
                hopeless[want.identity] = found
        return hopeless

    def _note(
        self,
        known: QueueInput,
        begun: Collection[Identity],
        refused: Mapping[Identity, Blocked | None],
    ) -> None:
        """Take note of what was found; what was not tried and is still wanted stays as it was."""
        stays = {want.identity for want in _wants(known)}.difference(begun, refused)
        self.obstacles = {
            **{identity: why for identity, why in self.obstacles.items() if identity in stays},
            **{identity: why for identity, why in refused.items() if why is not None},
        }

    async def _begin(self, want: Want) -> Blocked | bool:
        """Begin a build; return why that isn't possible, or False where it is not to begin."""
        means = self._means(want)
        if not isinstance(means, _Means):
            return means or False
        try:
            order, secrets = await self.orders.order(means.project, want, means.registry)
            self.hidden.keep(order.name, secrets.values)
            for manifest in means.strategy.objects(order, secrets):
                await self.applier.apply(stamp(manifest), lambda live: _is_of(live, order))
        except AdapterError as error:
            return interpret(error).blocked
        log.info("build begun", project=want.origin.project, name=order.name, commit=order.commit)
        return True

    def _means(self, want: Want) -> _Means | Blocked | None:
        """Return what a build is made with, or why it can't be made.

        It is None where the Project is to have nothing built, or wants something else by now: it
        says so itself when it is reconciled next.
        """
        found = (parse(Project, live) for live in self.state.projects.find(UID, want.origin.uid))
        project = next((item for item in found if isinstance(item, Project)), None)
        if project is None or project.spec.suspend or project.metadata.deletion_timestamp:
            return None
        registry = self.orders.registry(project, want)
        if registry is None:
            return None
        strategy = self._strategy(project)
        return strategy if isinstance(strategy, Blocked) else _Means(project, registry, strategy)

    def _strategy(self, project: Project) -> Strategy | Blocked:
        if project.spec.build.strategy == "dockerfile":
            return BuildKit()
        allowed = self.orders.settings.kpack_allowed_builders
        refusal = builder_refusal(project.spec.build, allowed)
        if refusal is not None:
            return refusal
        if all(cache.is_served for cache in self.state.kpack):
            return Kpack()
        return Blocked(
            Reason.BUILD_NOT_POSSIBLE,
            "build.strategy is buildpack, and the cluster has no kpack; have an admin install it"
            " (https://github.com/buildpacks-community/kpack), or use strategy dockerfile",
            stalled=True,
        )


def _wants(known: QueueInput) -> Iterator[Want]:
    return (want for said in known.interests.values() for want in said.wants)


def _is_of(live: Manifest, order: BuildOrder) -> bool:
    own = live["metadata"].get("labels") or {}
    return labels.is_owned_by(live, order.origin.uid) and own.get(labels.BUILD) == order.name
