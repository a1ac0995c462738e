"""The operator as a whole, against fakes: it fills caches, leads, works, and ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from kapsa.adapters import resources
from kapsa.adapters.errors import Waiting
from kapsa.config import Settings
from kapsa.controllers.election import LEASE_NAME, Elector, Timing
from kapsa.controllers.operator import Operator
from kapsa.controllers.outside import Outside
from kapsa.core.projects.listings import OpenPullRequest, PullRequestListing, RefListing
from kapsa.core.projects.namespaces import common_namespace
from tests.builders import environment_manifest, pool_manifest, project, project_manifest, sha
from tests.fakes import FakeCluster, FakeOutside
from tests.unit.controllers.virtual_time import cancel, loop, now
from tests.unit.controllers.world import IMAGE, NAMESPACE, VirtualClock

SHOP = "https://git.example.com/acme/shop.git"
MADE = common_namespace(project("shop"))


class Process:
    """One operator process on a cluster that others share."""

    def __init__(self, cluster: FakeCluster, outside: FakeOutside, name: str = "a") -> None:
        self.elector = Elector(cluster, NAMESPACE, name, Timing())
        self.cluster = cluster.fenced(self.elector.fence)
        self.operator = Operator(
            Settings(namespace=NAMESPACE),
            Outside(
                self.cluster,
                self.elector,
                VirtualClock(),
                outside,
                outside,
                outside,
                outside,
                outside,
                {},
                outside,
            ),
        )
        for cache in self.operator.state.all:
            cluster._caches.append(cache)
            cache.request_list()
        self.task = asyncio.create_task(self.operator.run())

    def leads(self) -> bool:
        return self.elector.is_leader

    def is_ready(self) -> bool:
        return self.operator.is_ready


class Site:
    def __init__(self) -> None:
        self.cluster, self.outside = FakeCluster(), FakeOutside()
        self.outside.refs[SHOP] = RefListing({"main": sha("a")}, complete=True)
        self.open(1, 2)
        for number in range(9):
            self.outside.images[f"registry.example.com/acme/shop:{sha(f'p{number}')}"] = IMAGE
        self.cluster.put(
            pool_manifest(),
            project_manifest("shop", domain={"domainPoolRef": {"name": "apps"}}),
        )
        self.processes: list[Process] = []

    def open(self, *numbers: int) -> None:
        items = tuple(OpenPullRequest(n, sha(f"p{n}"), f"topic-{n}") for n in numbers)
        self.outside.pull_requests["acme/shop"] = PullRequestListing(items, complete=True)

    def start(self, name: str = "a") -> Process:
        self.processes.append(Process(self.cluster, self.outside, name))
        return self.processes[-1]

    def names(self, kind: str) -> list[str]:
        return sorted(key[2] for key in self.cluster.objects if key[0] == kind)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    yield made
    for process in made.processes:
        await cancel(process.task)


async def test_from_a_project_to_running_previews_and_back(site: Site) -> None:
    process = site.start()
    assert not process.is_ready()
    await asyncio.sleep(30)
    assert process.is_ready()
    assert site.names("Deployment") == ["shop-pr-1", "shop-pr-2"]
    assert site.names("Ingress") == ["shop-pr-1", "shop-pr-2"]
    status = site.cluster.live("Environment", "shop-pr-1", MADE)["status"]
    assert status["host"] == "pr-1-shop.apps.example.com"
    site.open(1)
    await asyncio.sleep(310)
    assert site.names("Environment") == ["shop-pr-1"]


async def test_a_quiet_operator_writes_nothing_but_its_lease_and_the_time_of_polls(
    site: Site,
) -> None:
    process = site.start()
    await asyncio.sleep(60)
    process.cluster.writes.clear()
    await asyncio.sleep(1200)
    kinds = {str(write) for write in process.cluster.writes if write.name != LEASE_NAME}
    assert kinds <= {"status Project team-a/shop"}
    polls = [write for write in process.cluster.writes if write.kind == "Project"]
    assert len(polls) <= 6


async def test_a_standby_writes_nothing_and_takes_over(site: Site) -> None:
    first = site.start("a")
    await asyncio.sleep(1)
    second = site.start("b")
    await asyncio.sleep(30)
    assert first.leads()
    assert not second.leads()
    assert second.is_ready()
    assert second.operator.stuck() == []
    for queue in second.operator._parts.queues:
        assert len(queue) == 0, queue.name
    await cancel(first.task)
    site.open(1, 2, 3)
    await asyncio.sleep(10)
    assert second.leads()
    assert site.names("Deployment") == ["shop-pr-1", "shop-pr-2", "shop-pr-3"]


async def test_elected_again_it_undoes_nothing_that_the_other_did_meanwhile(site: Site) -> None:
    first = site.start("a")
    await asyncio.sleep(30)
    down = site.cluster.fail(Waiting("ApiServerUnavailable", "down"), kind="Lease", times=10**6)
    await asyncio.sleep(20)
    assert not first.leads()
    down.times = 0
    # Another operator leads for a while: 2 was closed, 3 was opened.
    site.cluster.remove("Environment", "shop-pr-2", MADE)
    manifest = environment_manifest("shop-pr-3", of=project("shop"), pr=3, namespace=MADE)
    manifest["spec"] |= {"commit": sha("p3"), "image": IMAGE, "branch": "topic-3"}
    made = site.cluster.put(manifest)
    site.open(1, 3)
    site.outside.delay = 5.0
    seen: set[tuple[str, ...]] = set()
    for _ in range(200):
        seen.add(tuple(site.names("Environment")))
        await asyncio.sleep(0.1)
    assert first.leads()
    assert seen == {("shop-pr-1", "shop-pr-3")}
    live = site.cluster.live("Environment", "shop-pr-3", MADE)
    assert live["metadata"]["uid"] == made["metadata"]["uid"]


async def test_work_goes_on_after_a_re_election_in_the_midst_of_everything(site: Site) -> None:
    first = site.start("a")
    site.outside.delay = 3.0
    for _ in range(5):
        await asyncio.sleep(4)
        down = site.cluster.fail(Waiting("ApiServerUnavailable", "x"), kind="Lease", times=10**6)
        await asyncio.sleep(20)
        down.times = 0
        await asyncio.sleep(2)
    await asyncio.sleep(60)
    assert first.leads()
    assert site.names("Deployment") == ["shop-pr-1", "shop-pr-2"]
    site.open(1)
    await asyncio.sleep(310)
    assert site.names("Environment") == ["shop-pr-1"]


async def test_a_paused_process_writes_nothing_before_it_is_elected_again(site: Site) -> None:
    process = site.start()
    await asyncio.sleep(30)
    site.open(1)
    process.operator._parts.poller.poll_now(("team-a", "shop"))
    loop().jump(90)
    process.cluster.writes.clear()
    for _ in range(20):
        await asyncio.sleep(0)
    assert process.cluster.writes[0].name == LEASE_NAME


async def test_it_ends_soon_even_while_everything_hangs(site: Site) -> None:
    process = site.start()
    await asyncio.sleep(30)
    site.cluster.fail(None, delay=1e6, times=10**6)
    site.outside.delay = 1e6
    await asyncio.sleep(5)
    started = now()
    await cancel(process.task)
    assert now() - started <= 3
    assert process.task.cancelled()


async def test_without_full_caches_it_does_not_campaign(site: Site) -> None:
    site.cluster.fail(Waiting("ApiServerUnavailable", "x"), "list", "Ingress", times=10**6)
    process = site.start()
    await asyncio.sleep(120)
    assert not process.is_ready()
    assert not process.leads()
    assert site.cluster.writes == []


async def test_a_queue_whose_workers_all_hang_is_stuck(site: Site) -> None:
    process = site.start()
    await asyncio.sleep(30)
    assert process.operator.stuck() == []
    site.cluster.fail(None, "apply", "Service", delay=1e6, times=10**6)
    for number in range(40):
        manifest = environment_manifest(f"e{number}")
        manifest["spec"]["image"] = IMAGE
        site.cluster.put(manifest)
    await asyncio.sleep(200)
    assert process.operator.stuck() == ["environments"]


async def test_when_kopf_has_listed_a_kind_it_is_listed_too(site: Site) -> None:
    process = site.start()
    await asyncio.sleep(30)
    site.cluster.reads.clear()
    process.operator.listed(resources.PROJECTS.path())
    process.operator.listed(resources.PROJECTS.path("team-a", "shop"))
    process.operator.listed("/somewhere/else")
    await asyncio.sleep(1)
    assert [read for read in site.cluster.reads if read.startswith("list")] == ["list Project"]


async def test_what_it_does_is_measured(site: Site) -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    before = value("kapsa_project_reconcile_total", result="ok")
    site.start()
    await asyncio.sleep(60)
    assert value("kapsa_leader") == 1
    assert value("kapsa_projects_total") == 1
    assert value("kapsa_environments_total", type="preview") == 2
    assert value("kapsa_environments_total", type="permanent") == 0
    assert value("kapsa_project_reconcile_total", result="ok") > before
    assert value("kapsa_reconcile_total", kind="Environment", result="ok") > 0
    assert value("kapsa_git_poll_total", result="ok") > 0
