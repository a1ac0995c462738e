"""The session to the API server: who it says it is, and what it overhears."""

import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi
import pytest
import yaml
from aiohttp import web
from kubernetes.aio.config import ConfigException

from kapsa.adapters import resources
from kapsa.adapters.cluster import Cluster
from kapsa.adapters.connection import Connection, connect
from tests.unit.adapters.api_server import ApiServer, refusal
from tests.unit.adapters.conftest import Serve

LIST = {"metadata": {"resourceVersion": "1"}, "items": []}


def kubeconfig(path: Path, server: str, user: dict[str, Any], current: str = "one") -> str:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": [
            {"name": "one", "cluster": {"server": server}},
            {"name": "two", "cluster": {"server": "http://127.0.0.1:1"}},
        ],
        "users": [{"name": "me", "user": user}],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": "me"}} for name in ("one", "two")
        ],
    }
    path.write_text(yaml.safe_dump(content))
    return str(path)


@pytest.fixture
def api() -> ApiServer:
    return ApiServer([web.json_response(LIST)])


@pytest.fixture
async def server(serve: Serve, api: ApiServer) -> str:
    return await serve(api.handle)


@pytest.fixture
async def opened() -> AsyncIterator[list[Connection]]:
    links: list[Connection] = []
    yield links
    for link in links:
        await link.close()


def listing(link: Connection) -> Any:
    return Cluster(link, lambda: None).list_all(resources.PROJECTS)


async def test_the_token_of_a_kubeconfig_is_sent(
    tmp_path: Path, api: ApiServer, server: str, opened: list[Connection]
) -> None:
    link = await connect(kubeconfig=kubeconfig(tmp_path / "c", server, {"token": "abc"}))
    opened.append(link)
    await listing(link)
    assert link.server == server
    assert api.last.authorization == "Bearer abc"


async def test_a_token_that_changes_in_its_file_is_read_again(
    tmp_path: Path,
    api: ApiServer,
    server: str,
    opened: list[Connection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As in a pod, where the kubelet renews the token of the ServiceAccount.
    host, port = server.removeprefix("http://").split(":")
    token = tmp_path / "token"
    token.write_text("first")
    loader = "kubernetes.aio.config.incluster_config"
    monkeypatch.setattr(f"{loader}.SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(f"{loader}.SERVICE_CERT_FILENAME", certifi.where())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    link = await connect()
    opened.append(link)
    assert link.server == f"https://{host}:{port}"
    link = Connection(server, link.session, link.clock)
    await listing(link)
    token.write_text("second")
    # The client library looks at the file once a minute.
    later = SimpleNamespace(now=lambda: datetime.now() + timedelta(minutes=2))  # noqa: DTZ005
    monkeypatch.setattr(f"{loader}.datetime", SimpleNamespace(datetime=later, timedelta=timedelta))
    await listing(link)
    assert [seen.authorization for seen in api.seen] == ["bearer first", "bearer second"]


async def test_a_context_can_be_named(
    tmp_path: Path, server: str, opened: list[Connection]
) -> None:
    path = kubeconfig(tmp_path / "c", server, {}, current="two")
    opened.append(await connect(kubeconfig=path, context="one"))
    opened.append(await connect(kubeconfig=path))
    assert [link.server for link in opened] == [server, "http://127.0.0.1:1"]


async def test_without_usable_credentials_there_is_no_connection(tmp_path: Path) -> None:
    with pytest.raises(ConfigException):
        await connect(kubeconfig=str(tmp_path / "missing"))


async def test_lists_are_told_and_nothing_else(
    tmp_path: Path, api: ApiServer, server: str, opened: list[Connection]
) -> None:
    paths: list[str] = []
    path = kubeconfig(tmp_path / "c", server, {})
    link = await connect(kubeconfig=path, on_list=paths.append)
    opened.append(link)
    await listing(link)
    things = f"{server}/apis/x/v1/things"
    for said in ({"watch": "true"}, {"limit": "100", "continue": "second page"}):
        async with link.session.get(things, params=said):
            pass
    async with link.session.post(f"{server}/apis/x/v1/things", json={}):
        pass
    api.answers = [refusal(500)]
    async with link.session.get(f"{server}/apis/x/v1/failed"):
        pass
    assert paths == [resources.PROJECTS.path()]


async def test_lists_that_are_told_come_as_tables_where_the_server_can_and_all_else_does_not(
    tmp_path: Path, api: ApiServer, server: str, opened: list[Connection]
) -> None:
    path = kubeconfig(tmp_path / "c", server, {})
    told = await connect(kubeconfig=path, on_list=lambda _: None)
    untold = await connect(kubeconfig=path)
    opened.extend((told, untold))
    await listing(told)
    async with told.session.get(f"{server}/apis/x/v1/things", params={"watch": "true"}):
        pass
    await listing(untold)
    tables = [";as=Table;" in seen.accept for seen in api.seen]
    assert tables == [True, False, False]
    assert api.seen[0].accept.endswith(", application/json")


async def test_lists_below_a_prefix_are_told_without_it(
    tmp_path: Path, api: ApiServer, server: str, opened: list[Connection]
) -> None:
    paths: list[str] = []
    path = kubeconfig(tmp_path / "c", f"{server}/k8s/clusters/c-1/", {})
    link = await connect(kubeconfig=path, on_list=paths.append)
    opened.append(link)
    await listing(link)
    assert api.last.path == f"/k8s/clusters/c-1{resources.PROJECTS.path()}"
    assert paths == [resources.PROJECTS.path()]


async def test_every_answer_sets_the_clock(
    tmp_path: Path, api: ApiServer, server: str, opened: list[Connection]
) -> None:
    link = await connect(kubeconfig=kubeconfig(tmp_path / "c", server, {}))
    opened.append(link)
    date = formatdate(time.time() + 600, usegmt=True)
    api.answers = [web.json_response(LIST, headers={"Date": date})]
    await listing(link)
    assert link.clock.now() == pytest.approx(time.time() + 600, abs=2)
