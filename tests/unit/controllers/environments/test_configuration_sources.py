"""How ConfigMaps and Secrets that Environments name are read: by name, and each once for many."""

import asyncio
from typing import Any

import pytest

from kapsa.adapters.errors import Stalled, Waiting
from kapsa.controllers.environments.configuration import LOOK_AGAIN, Sources
from kapsa.core.conditions import Blocked
from kapsa.core.workloads.configuration import Configuration
from tests.builders import environment, project
from tests.fakes import FakeCluster

SHOP = project()
RUNTIME = {"configRefs": [{"name": "config"}], "secretRefs": [{"name": "secrets"}]}


def config_map(value: str = "1") -> dict[str, Any]:
    metadata = {"name": "config", "namespace": "team-a"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"A": value}}


def secret(value: str = "Mg==") -> dict[str, Any]:
    metadata = {"name": "secrets", "namespace": "team-a"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"B": value}}


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster()
    made.put(config_map(), secret())
    return made


def preview(name: str = "web") -> Any:
    return environment(name, of=SHOP, namespace="kapsa-shop", runtime=RUNTIME)


async def digest(sources: Sources, name: str = "web") -> str:
    found = await sources.see_to(preview(name))
    assert isinstance(found, Configuration), found
    return found.digest


async def test_many_that_name_the_same_make_one_read_of_each(cluster: FakeCluster) -> None:
    sources = Sources(cluster)
    found = await asyncio.gather(*(digest(sources, f"web-{number}") for number in range(500)))
    assert len(set(found)) == 1
    assert sorted(cluster.reads) == ["get ConfigMap config", "get Secret secrets"]


async def test_who_names_nothing_reads_nothing(cluster: FakeCluster) -> None:
    assert await Sources(cluster).see_to(environment()) is None
    assert cluster.reads == []


async def test_a_rotated_secret_is_seen_within_a_minute(cluster: FakeCluster) -> None:
    sources = Sources(cluster)
    before = await digest(sources)
    await asyncio.sleep(19)
    cluster.put(secret("Mw=="))
    assert await digest(sources) == before, "what was just read counts for a while"
    await asyncio.sleep(LOOK_AGAIN)
    assert await digest(sources) != before
    assert LOOK_AGAIN + 20 < 60


async def test_another_operator_tells_the_same_digest(cluster: FakeCluster) -> None:
    assert await digest(Sources(cluster)) == await digest(Sources(cluster))


async def test_a_missing_secret_is_named_and_seen_soon_after_it_came(cluster: FakeCluster) -> None:
    cluster.remove("Secret", "secrets", "team-a")
    sources = Sources(cluster)
    found = await sources.see_to(preview())
    assert isinstance(found, Blocked)
    assert found.reason == "SecretNotFound"
    cluster.put(secret())
    await asyncio.sleep(LOOK_AGAIN)
    assert await digest(sources)
    assert LOOK_AGAIN < 30


async def test_nothing_secret_is_kept_that_does_not_count_any_more(cluster: FakeCluster) -> None:
    sources = Sources(cluster)
    await digest(sources)
    assert len(sources._read) == 2
    await asyncio.sleep(60)
    assert not sources._read
    assert not sources._locks


@pytest.mark.parametrize(
    ("error", "stalled"),
    [
        pytest.param(Waiting("ApiServerUnavailable", "no answer", 5.0), False, id="no-answer"),
        pytest.param(Stalled("ApplyRefused", "secrets is forbidden"), True, id="forbidden"),
    ],
)
async def test_an_api_server_that_does_not_tell_is_an_obstacle(
    cluster: FakeCluster, error: Any, stalled: bool
) -> None:
    cluster.fail(error, "get", "Secret")
    sources = Sources(cluster)
    found = await sources.see_to(preview())
    assert isinstance(found, Blocked)
    assert (found.reason, found.stalled) == (error.reason, stalled)
    assert await digest(sources)
