"""Property: whatever the order of changes, watch events and lists, the cache ends at the truth."""

import asyncio
import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from kapsa.adapters import resources
from kapsa.adapters.answers import Listing
from kapsa.adapters.cluster import Trim
from kapsa.controllers.reconciling.cache import Cache, Manifest, key_of, uid_of
from tests.fakes import FakeCluster
from tests.unit.controllers.virtual_time import VirtualLoop, settle

STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["put", "unlabel", "remove", "answer"]), st.integers(0, 2)),
        st.tuples(st.sampled_from(["deliver"]), st.integers(1, 4)),
        st.tuples(st.sampled_from(["lose", "list", "listed"]), st.just(0)),
    ),
    max_size=40,
)


class HeldList(FakeCluster):
    """A fake whose lists are read at once, and arrive when `arrive` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.watch_is_late = True
        self.arrive = asyncio.Event()

    async def list_all(
        self,
        resource: resources.ResourceType,
        label_selector: str = "",
        namespace: str = "",
        trim: Trim = lambda item: item,
    ) -> Listing:
        found = copy.deepcopy(self._listing(resource, label_selector))
        await self.arrive.wait()
        return found


class World:
    """A cluster, its watch, the lists that are under way, and a listener that keeps account."""

    def __init__(self) -> None:
        self.cluster = HeldList()
        self.cache = Cache(
            resources.SERVICES,
            label_selector="managed=yes",
            indexes={"revision": lambda manifest: (str(manifest["spec"]["revision"]),)},
        )
        self.cluster.feed(self.cache)
        self.cache.subscribe(self.note)
        self.account: dict[tuple[str, str], Manifest] = {}
        self.listing: asyncio.Task[None] | None = None
        self.revision = 0
        self.lost = False

    def note(self, before: Manifest | None, after: Manifest | None) -> None:
        manifest = after or before
        assert manifest is not None
        assert self.account.get(key_of(manifest)) == before, "changes join without a gap"
        if before is not None and after is not None:
            assert uid_of(before) == uid_of(after), "two lives are two changes"
        if after is None:
            del self.account[key_of(manifest)]
        else:
            self.account[key_of(manifest)] = after

    async def do(self, action: str, number: int) -> None:
        name = f"service-{number}"
        if action in ("put", "unlabel"):
            self.put(name, managed="yes" if action == "put" else "no")
        elif action == "answer":
            # Kapsa's own write: its answer comes before, or after, what the watch says of it.
            self.cache.observe("MODIFIED", self.put(name, managed="yes"))
        elif action == "remove" and self.cluster.has("Service", name, "ns"):
            self.cluster.remove("Service", name, "ns")
        elif action == "deliver":
            for _ in range(min(number, len(self.cluster._pending))):
                self.cluster._pending.pop(0)()
        elif action == "lose":
            self.cluster._pending.clear()
            self.lost = True
        elif action == "list" and self.listing is None:
            self.lost = False
            self.listing = asyncio.ensure_future(self.cache._list(self.cluster))
            await settle()
        elif action == "listed" and self.listing is not None:
            await self.finish()

    def put(self, name: str, managed: str) -> Manifest:
        self.revision += 1
        metadata = {"name": name, "namespace": "ns", "labels": {"managed": managed}}
        spec = {"revision": self.revision}
        return self.cluster.put(
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
        )

    async def finish(self) -> None:
        assert self.listing is not None
        self.cluster.arrive.set()
        await self.listing
        self.cluster.arrive.clear()
        self.listing = None

    async def calm_down(self) -> None:
        """Let everything arrive; what the watch lost shows in the list that follows."""
        if self.lost and self.listing is not None:
            await self.finish()
        if self.lost:
            await self.do("list", 0)
        self.cluster.catch_up()
        if self.listing is not None:
            await self.finish()


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_the_cache_ends_at_the_truth(steps: list[tuple[str, int]]) -> None:
    async def live() -> None:
        world = World()
        for action, number in steps:
            await world.do(action, number)
        await world.calm_down()
        truth = {
            (key[1], key[2]): (manifest["metadata"]["uid"], manifest["spec"])
            for key, manifest in world.cluster.objects.items()
            if manifest["metadata"]["labels"]["managed"] == "yes"
        }
        known = {key_of(item): (uid_of(item), item["spec"]) for item in world.cache}
        assert known == truth
        assert {key: (uid_of(m), m["spec"]) for key, m in world.account.items()} == truth
        for _, spec in truth.values():
            assert len(world.cache.find("revision", str(spec["revision"]))) == 1
        assert len(world.cache._found) == len(truth)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(live())
