"""What a person is told to type, and what ends a demo whose operator has ended."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.demo.farewell import look_around
from lab.demo.stage import Stage
from lab.errors import ServerError
from lab.routing import Routing
from tests.unit.lab.demo.world import snapshot, world


def stage(*, is_running: bool = True, ca_file: Path | None = None) -> Stage:
    repository = SimpleNamespace(full_name="team-a/shop")
    gitea = SimpleNamespace(url="http://127.0.0.1:3000", username="admin", password="secret")
    operator: Any = SimpleNamespace(
        is_running=is_running,
        last_lines=lambda: "its last line",
        log_file=Path("/lab/logs/operator.log"),
        address="http://127.0.0.1:8080",
    )
    platform: Any = SimpleNamespace(
        kubectl_binary=Path("/lab/kubectl"),
        kubeconfig=Path("/lab/kubeconfig"),
        routing=Routing(80, 8443),
    )
    app: Any = SimpleNamespace(gitea=gitea, repository=repository, name="shop", namespace="team-a")
    files: Any = None
    return Stage(platform, operator, app, files, ca_file)


def test_without_kubectl_on_path_people_are_shown_the_laboratorys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert stage().kubectl == "/lab/kubectl"

    program = tmp_path / "kubectl"
    program.touch(mode=0o755)
    assert stage().kubectl == "kubectl"


def test_an_operator_that_has_ended_ends_the_demo_with_its_last_words() -> None:
    stage().require_operator()
    with pytest.raises(ServerError, match="its last line"):
        stage(is_running=False).require_operator()


def test_the_end_says_where_everything_is() -> None:
    objects = world()
    objects["Environment"]["metadata"]["name"] = "shop-pr-2"

    said = look_around(stage(), snapshot(objects))

    for expected in (
        "export KUBECONFIG=/lab/kubeconfig",
        "get projects,environments -A -o wide",
        "describe environment -n kapsa-shop-1 shop-pr-2",
        "tail -f /lab/logs/operator.log",
        "curl http://127.0.0.1:8080/metrics",
        "http://127.0.0.1:3000/team-a/shop/pulls",
        "user admin, password secret (throw-away)",
        "until you press Ctrl-C",
    ):
        assert expected in said


def test_where_containers_run_the_end_names_the_urls_that_open() -> None:
    objects = world()
    objects["Environment"]["status"]["url"] = "https://shop.apps.localhost"

    said = look_around(stage(ca_file=Path("/lab/ca.pem")), snapshot(objects))

    assert "  https://shop.apps.localhost:8443\n" in said
    assert "curl --cacert /lab/ca.pem https://shop.apps.localhost:8443" in said
    assert "Open in a browser" not in look_around(stage(), snapshot(objects))
