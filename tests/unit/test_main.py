"""Start-up: what kopf is told, who this process says it is, and what is watched."""

import asyncio
import dataclasses
import itertools
import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import click
import kopf
import pytest

from kapsa import main
from kapsa.adapters import resources
from kapsa.adapters.cluster import Cluster
from kapsa.config import Settings
from kapsa.controllers.state import State
from kapsa.kopf_settings import configure_kopf


async def stop() -> None:
    handler: Any = main._stop
    await handler()


@pytest.fixture
def settings() -> kopf.OperatorSettings:
    made = kopf.OperatorSettings()
    configure_kopf(made)
    return made


def test_kopf_is_told_what_its_shortcomings_demand(settings: kopf.OperatorSettings) -> None:
    assert settings.peering.standalone
    assert not settings.posting.enabled
    assert settings.scanning.disabled
    assert settings.watching.connect_timeout == 10
    assert settings.watching.inactivity_timeout == 70
    assert settings.networking.request_timeout == 60
    # A limit below the number of objects would deadlock the start.
    assert settings.queueing.worker_limit is None


def test_every_setting_is_one_that_kopf_knows(settings: kopf.OperatorSettings) -> None:
    for field in dataclasses.fields(settings):
        group = getattr(settings, field.name)
        if dataclasses.is_dataclass(group):
            known = {item.name for item in dataclasses.fields(group)}
            set_by_us = {name for name in vars(group) if not name.startswith("_")}
            assert set_by_us <= known, field.name


def test_an_outage_of_the_api_server_is_outlived(settings: kopf.OperatorSettings) -> None:
    backoffs: Any = settings.networking.error_backoffs
    first = list(itertools.islice(backoffs, 1000))
    assert len(first) == 1000
    assert all(0 < seconds <= 10 for seconds in first)
    assert list(itertools.islice(backoffs, 1000)) == first, "and the next one too"


def body(**annotations: str) -> Any:
    raw: Any = {"metadata": {"name": "x", "annotations": annotations}, "spec": {}}
    return kopf.Body(raw)


def test_kopf_keeps_and_reads_nothing_on_objects(settings: kopf.OperatorSettings) -> None:
    poisoned = body(**{"kopf.zalando.org/last-handled-configuration": "{", "kopf/x": "{"})
    progress, diffbase = (
        settings.persistence.progress_storage,
        settings.persistence.diffbase_storage,
    )
    patch = kopf.Patch()
    key: Any = "handler"
    record: Any = {}
    essence: Any = {"spec": {}}
    assert progress.fetch(key=key, body=poisoned) is None
    progress.store(key=key, record=record, body=poisoned, patch=patch)
    progress.purge(key=key, body=poisoned, patch=patch)
    progress.touch(body=poisoned, patch=patch, value="x")
    assert progress.clear(essence=essence) == essence
    assert diffbase.fetch(body=poisoned) is None
    diffbase.store(body=poisoned, patch=patch, essence=essence)
    assert not patch


def test_watches_are_filtered_as_the_caches_are(settings: kopf.OperatorSettings) -> None:
    found: Any = settings.watching.label_selectors
    selectors = {selector.plural or selector.any_name: value for selector, value in found.items()}
    for cache in State().all:
        assert selectors.pop(cache.resource.plural, "") == cache.label_selector
    assert selectors == {}


def test_every_cache_is_fed_by_a_watch() -> None:
    assert set(main._WATCHED) == {cache.resource for cache in State().all}


def handlers() -> Iterator[Any]:
    registry = kopf.get_default_registry()
    yield from registry._watching.get_all_handlers()


def test_no_handler_puts_a_finalizer_or_a_timer_on_an_object() -> None:
    registry = kopf.get_default_registry()
    assert {handler.id for handler in handlers()} == {item.plural for item in main._WATCHED}
    assert not list(registry._changing.get_all_handlers())
    assert not list(registry._spawning.get_all_handlers())


def test_who_runs_in_a_pod_is_that_pod() -> None:
    settings = Settings(pod_name="kapsa-1", pod_uid="u")
    assert main._identity(settings) == main._identity(settings) == "kapsa-1_u"


@pytest.mark.parametrize("given", [{}, {"pod_name": "kapsa-1"}, {"pod_uid": "u"}], ids=repr)
def test_elsewhere_no_two_processes_have_one_name(given: dict[str, Any]) -> None:
    settings = Settings(**given)
    assert main._identity(settings) != main._identity(settings)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    async def nothing() -> None:
        return

    async def forever() -> None:
        await asyncio.Event().wait()

    class Stub:
        def __init__(self) -> None:
            self.state = State()
            self.paths: list[str] = []

        def listed(self, path: str) -> None:
            self.paths.append(path)

    made = SimpleNamespace(
        operator=Stub(),
        connection=SimpleNamespace(close=nothing),
        server=SimpleNamespace(cleanup=nothing),
        threads=(SimpleNamespace(shutdown=lambda **_: None),),
        repositories=SimpleNamespace(closed=False),
        forever=forever,
    )
    made.repositories.close = lambda: setattr(made.repositories, "closed", True)
    monkeypatch.setattr(main, "_running", made)
    return made


async def test_events_go_into_the_cache_of_their_kind(running: SimpleNamespace) -> None:
    (handler,) = [handler for handler in handlers() if handler.id == "services"]
    manifest = {"metadata": {"name": "web", "namespace": "ns", "uid": "u", "resourceVersion": "1"}}
    result = await handler.fn(event={"type": "ADDED", "object": manifest})
    assert result is None, "kopf would write it into a status"
    assert running.operator.state.services.get("ns", "web") is not None
    await handler.fn(event={"type": "DELETED", "object": manifest})
    assert running.operator.state.services.get("ns", "web") is None


async def test_lists_of_kopfs_are_told(running: SimpleNamespace) -> None:
    main._listed("/api/v1/services")
    assert running.operator.paths == ["/api/v1/services"]


async def test_before_the_start_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "_running", None)
    main._listed("/api/v1/services")
    (handler,) = [handler for handler in handlers() if handler.id == "services"]
    await handler.fn(event={"type": "ADDED", "object": {}})
    await stop()


async def test_the_end_waits_for_the_operator(running: SimpleNamespace) -> None:
    running.task = asyncio.create_task(running.forever())
    await stop()
    assert running.task.cancelled()
    assert running.repositories.closed, "clones are removed at the end"


async def test_an_operator_that_ends_by_itself_takes_the_process_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)

    async def fail() -> None:
        raise LookupError("a bug")

    for work, expected in ((fail, [1]), (asyncio.Event().wait, [1])):
        task: Any = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        main._die(task)
        assert codes == expected


def test_a_wrong_setting_ends_the_start_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAPSA_WORKERS", "none")
    monkeypatch.setattr(kopf, "run", lambda **_: pytest.fail("it started"))
    with pytest.raises(click.ClickException, match="KAPSA_WORKERS: "):
        main.run()


def test_what_a_start_up_handler_says_is_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("activity failed") from kopf.PermanentError("install the CRDs")

    monkeypatch.setattr(kopf, "run", fail)
    with pytest.raises(click.ClickException, match="install the CRDs"):
        main.run()


def test_every_kind_that_is_watched_is_one_that_the_adapter_knows() -> None:
    for resource in main._WATCHED:
        assert resources.BY_KIND[resource.api_version, resource.kind] is resource


async def test_an_api_server_without_the_crds_ends_the_start_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def serves(_: object, resource: resources.ResourceType) -> bool:
        return resource != resources.REGISTRIES

    closed: list[bool] = []

    class Link:
        async def close(self) -> None:
            closed.append(True)

    monkeypatch.setattr(Cluster, "serves", serves)
    link: Any = Link()
    with pytest.raises(
        kopf.PermanentError, match=r"registries\.kapsa-project\.io: install the CRD"
    ):
        await main._require_crds(link)
    assert closed == [True]
