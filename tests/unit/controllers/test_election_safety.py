"""Property: whatever fails, hangs or is paused, no two electors are leaders at one instant."""

import asyncio
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kapsa.adapters import resources
from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Waiting
from kapsa.controllers.election import Elector, Timing
from tests.fakes import FakeCluster
from tests.unit.controllers.virtual_time import VirtualLoop, cancel

DOWN = Waiting("ApiServerUnavailable", "connection refused")


class Network(FakeCluster):
    """One API server as one operator reaches it: late, or not at all, and sometimes only one way.

    The objects are those of `server`.
    """

    def __init__(self, server: FakeCluster, dice: random.Random) -> None:
        super().__init__()
        self.server = server
        self.dice = dice
        self.weather = 0.0

    async def _call(self, work: Any) -> Any:
        await asyncio.sleep(self.dice.random() * self.weather * 4)
        if self.dice.random() < self.weather / 3:
            raise DOWN
        answer = await work()
        await asyncio.sleep(self.dice.random() * self.weather * 4)
        if self.dice.random() < self.weather / 3:
            raise DOWN
        return answer

    async def get(
        self, resource: resources.ResourceType, name: str, namespace: str = ""
    ) -> Manifest | None:
        found: Manifest | None = await self._call(
            lambda: self.server.get(resource, name, namespace)
        )
        return found

    async def create(self, manifest: Manifest) -> Manifest:
        return dict(await self._call(lambda: self.server.create(manifest)))

    async def replace(self, manifest: Manifest) -> Manifest:
        return dict(await self._call(lambda: self.server.replace(manifest)))


async def _compete(seed: int, weather: list[float], *, deletions: bool) -> int:
    server, dice = FakeCluster(), random.Random(seed)
    networks = [Network(server, dice) for _ in range(3)]
    electors = [
        Elector(network, "kapsa-system", f"operator-{number}", Timing())
        for number, network in enumerate(networks)
    ]

    async def lead() -> None:
        await asyncio.sleep(dice.random() * 200)

    def start(elector: Elector) -> "asyncio.Task[None]":
        return asyncio.create_task(elector.run(lead))

    tasks = [start(elector) for elector in electors]
    terms = 0
    await asyncio.sleep(5)  # each has seen the Lease once: a first start knows of no other
    for now in weather:
        networks[dice.randrange(3)].weather = now
        for _ in range(200):
            leaders = [elector for elector in electors if elector.is_leader]
            assert len(leaders) <= 1
            terms += len(leaders)
            await asyncio.sleep(0.1)
        if deletions and dice.random() < 0.3 and server.objects:
            server.remove("Lease", "kapsa-operator", "kapsa-system")
        if dice.random() < 0.3:
            number = dice.randrange(3)
            await cancel(tasks[number])
            tasks[number] = start(electors[number])
    await asyncio.gather(*map(cancel, tasks))
    return terms


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**32),
    st.lists(st.sampled_from([0.0, 0.3, 0.7, 1.0]), min_size=1, max_size=8),
    st.booleans(),
)
def test_no_two_electors_lead_at_one_instant(
    seed: int, weather: list[float], deletions: bool
) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        random.seed(seed)
        runner.run(_compete(seed, weather, deletions=deletions))


def test_in_fair_weather_somebody_leads_nearly_always() -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        random.seed(1)
        assert runner.run(_compete(1, [0.0] * 20, deletions=False)) > 3000
