"""What Kapsa serves over HTTP."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from kapsa.web.server import Probes, make_app, serve


class Rig:
    def __init__(self) -> None:
        self.ready = True
        self.stuck: list[str] = []
        self.url = ""

    async def get(self, path: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.url + path) as response,
        ):
            return response.status, await response.text()

    def probes(self) -> Probes:
        return Probes(is_ready=lambda: self.ready, stuck=lambda: self.stuck)


async def _served(*, metrics: bool) -> AsyncIterator[Rig]:
    rig = Rig()
    runner = await serve(make_app(rig.probes(), metrics=metrics), "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    rig.url = f"http://{host}:{port}"
    yield rig
    await runner.cleanup()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async for made in _served(metrics=True):
        yield made


@pytest.fixture
async def without_metrics() -> AsyncIterator[Rig]:
    async for made in _served(metrics=False):
        yield made


async def test_healthz_is_well_while_nothing_is_stuck(rig: Rig) -> None:
    rig.ready = False
    assert await rig.get("/healthz") == (200, "ok\n")


async def test_healthz_fails_and_names_what_is_stuck(rig: Rig) -> None:
    rig.stuck = ["projects", "repositories"]
    assert await rig.get("/healthz") == (503, "stuck: projects, repositories\n")
    rig.stuck = []
    assert (await rig.get("/healthz"))[0] == 200


async def test_readyz_waits_for_the_caches(rig: Rig) -> None:
    rig.ready = False
    assert await rig.get("/readyz") == (503, "the caches are not filled yet\n")
    rig.ready = True
    assert await rig.get("/readyz") == (200, "ok\n")


async def test_metrics_are_in_the_text_format(rig: Rig) -> None:
    status, text = await rig.get("/metrics")
    assert status == 200
    for name in (
        "kapsa_projects_total",
        "kapsa_environments_total",
        "kapsa_project_reconcile_total",
        "kapsa_project_reconcile_duration_seconds",
        "kapsa_git_poll_total",
    ):
        assert f"# TYPE {name}" in text


async def test_metrics_can_be_turned_off_and_probes_can_not(without_metrics: Rig) -> None:
    assert (await without_metrics.get("/metrics"))[0] == 404
    assert (await without_metrics.get("/healthz"))[0] == 200
    assert (await without_metrics.get("/readyz"))[0] == 200


async def test_nothing_else_is_served(rig: Rig) -> None:
    assert (await rig.get("/"))[0] == 404


async def test_a_port_that_is_taken_is_an_error(rig: Rig) -> None:
    port = int(rig.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await serve(make_app(rig.probes(), metrics=False), "127.0.0.1", port)


async def test_many_may_ask_at_once(rig: Rig) -> None:
    answers = await asyncio.gather(*(rig.get("/healthz") for _ in range(20)))
    assert {status for status, _ in answers} == {200}
