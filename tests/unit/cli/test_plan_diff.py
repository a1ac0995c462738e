"""`kapsa plan -o diff`: what the operator would change in a cluster."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kapsa.adapters.cluster import Cluster, Manifest
from kapsa.adapters.errors import Stalled
from kapsa.cli.planning.known import PlanInput
from kapsa.cli.planning.live import LiveCluster
from kapsa.cli.planning.project import plan_project
from kapsa.cli.planning.run import PlanError, Request, run
from kapsa.cli.planning.sources import Given
from kapsa.core.listings import PullRequestListing, RefListing
from kapsa.models import DomainPool, Project
from tests.builders import environment_manifest, pool_manifest, project_manifest, sha
from tests.fakes import FakeCluster

NOW = 1_767_225_600.0
MADE = "kapsa-shop-6b3e3555a7"
PRODUCTION = {"name": "production", "branch": "main", "runtime": {"replicas": 3}}
STAGING = {"name": "staging", "branch": "main"}
SPEC: dict[str, Any] = {
    "environments": [PRODUCTION, STAGING],
    "domain": {"domainPoolRef": {"name": "apps"}},
}

Capture = pytest.CaptureFixture[str]


class Desk:
    """A folder with a Project and the refs of its repository, and a cluster where it runs."""

    def __init__(self, folder: Path) -> None:
        self.file, self.refs_file = folder / "shop.json", folder / "refs.txt"
        self.cluster = FakeCluster()
        self.cluster.put(pool_manifest())
        self.write()
        self.refs(main=sha("a"))

    def write(self, **spec: Any) -> None:
        """Write the Project as a person has it: without UID and status."""
        manifest = project_manifest("shop", **(SPEC | spec))
        manifest["metadata"] = {"name": "shop", "namespace": "team-a"}
        self.file.write_text(json.dumps(manifest), encoding="utf-8")

    def refs(self, **branches: str) -> None:
        lines = [f"{commit}\trefs/heads/{branch}\n" for branch, commit in branches.items()]
        self.refs_file.write_text("".join(lines), encoding="utf-8")

    def diff(self) -> int:
        self.cluster.writes.clear()
        asked = Request((str(self.file),), "diff", refs=str(self.refs_file))
        code = run(asked, now=NOW, reach=self._reach)
        assert self.cluster.writes == [], "a plan writes nothing"
        assert not [read for read in self.cluster.reads if "Secret" in read]
        return code

    @asynccontextmanager
    async def _reach(self, _: Request) -> AsyncIterator[Cluster]:
        yield self.cluster

    def roll_out(self) -> None:
        """Store the Project and all that it becomes, as the operator would."""
        self.cluster.put(project_manifest("shop", **SPEC))
        # The second time with the UIDs that the Environments got the first time.
        for _ in range(2):
            self.cluster.put(*self._planned())

    def _planned(self) -> tuple[Manifest, ...]:
        live = self.cluster.live("Project", "shop", "team-a")
        project = Project.model_validate(live)
        environments = asyncio.run(LiveCluster(self.cluster).environments(project, Given()))
        known = PlanInput(
            project=project,
            refs=RefListing({"main": sha("a")}, complete=True),
            pull_requests=PullRequestListing(complete=True, empty_answers=2),
            environments=environments,
            pool=DomainPool.model_validate(pool_manifest()),
        )
        return plan_project(known).objects


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def changed(diff: str) -> list[str]:
    """Return the lines that a diff takes away or adds, and the objects that they are in."""
    return [line for line in diff.splitlines() if line[:1] in "+-"]


def test_there_is_no_difference_once_it_is_rolled_out(desk: Desk, capsys: Capture) -> None:
    desk.roll_out()

    assert desk.diff() == 0
    assert capsys.readouterr().out == ""


def test_a_field_that_is_edited_differs_and_nothing_else(desk: Desk, capsys: Capture) -> None:
    desk.roll_out()
    desk.write(environments=[{**PRODUCTION, "runtime": {"replicas": 5}}, STAGING])

    assert desk.diff() == 1
    assert changed(capsys.readouterr().out) == [
        f"--- live/Environment/{MADE}/shop-production",
        f"+++ planned/Environment/{MADE}/shop-production",
        "-    replicas: 3",
        "+    replicas: 5",
        f"--- live/Deployment/{MADE}/shop-production",
        f"+++ planned/Deployment/{MADE}/shop-production",
        "-  replicas: 3",
        "+  replicas: 5",
    ]


def test_before_it_is_rolled_out_everything_is_new(desk: Desk, capsys: Capture) -> None:
    assert desk.diff() == 1

    said = capsys.readouterr()
    headers = [line for line in said.out.splitlines() if line.startswith(("---", "+++"))]
    assert headers[:4] == [
        "--- /dev/null",
        f"+++ planned/Namespace/{MADE}",
        "--- /dev/null",
        f"+++ planned/Environment/{MADE}/shop-production",
    ]
    assert "\n-" not in said.out.replace("\n--- /dev/null", "")


def test_what_goes_with_an_environment_is_shown(desk: Desk, capsys: Capture) -> None:
    desk.roll_out()
    desk.write(environments=[PRODUCTION])

    assert desk.diff() == 1

    headers = [line for line in changed(capsys.readouterr().out) if line.startswith("--- live")]
    kinds = ("Environment", "Deployment", "Service", "Ingress")
    assert headers == [f"--- live/{kind}/{MADE}/shop-staging" for kind in kinds]


def test_an_environment_that_wants_a_host_no_more_loses_its_ingress(
    desk: Desk, capsys: Capture
) -> None:
    desk.roll_out()
    desk.write(domain=None)

    assert desk.diff() == 1
    assert f"--- live/Ingress/{MADE}/shop-production\n+++ /dev/null\n" in capsys.readouterr().out


def test_a_strangers_object_is_left_out_and_noted(desk: Desk, capsys: Capture) -> None:
    metadata = {"name": "shop-production", "namespace": MADE}
    desk.cluster.put({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {}})
    assert desk.diff() == 1

    said = capsys.readouterr()
    assert f"Service/{MADE}/shop-production exists, and Kapsa did not make it" in said.err
    assert f"Service/{MADE}/shop-production" not in said.out


def test_in_a_strangers_namespace_nothing_is_done(desk: Desk, capsys: Capture) -> None:
    desk.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": MADE}})

    assert desk.diff() == 0

    said = capsys.readouterr()
    assert said.out == ""
    assert f"Namespace/{MADE} exists, and Kapsa did not make it" in said.err


def test_without_its_domain_pool_nothing_new_is_made(desk: Desk, capsys: Capture) -> None:
    desk.cluster.remove("DomainPool", "apps")

    desk.diff()

    said = capsys.readouterr()
    assert "Environment/" not in said.out
    assert "shop-production: DomainPoolNotFound: DomainPool apps does not exist" in said.err


def test_a_namespace_that_may_not_use_the_pool_is_told(desk: Desk, capsys: Capture) -> None:
    selector = {"selector": {"matchLabels": {"apps": "yes"}}}
    desk.cluster.put(pool_manifest(allowedNamespaces=selector))

    desk.diff()

    assert "NamespaceNotAllowed" in capsys.readouterr().err


def test_an_environment_of_somebody_else_keeps_its_name(desk: Desk, capsys: Capture) -> None:
    desk.cluster.put(environment_manifest("shop-production", namespace=MADE))

    desk.diff()

    out = capsys.readouterr().out
    assert f"Environment/{MADE}/shop-production\n" not in out
    assert f"Environment/{MADE}/shop-production-" in out


def test_an_api_server_that_refuses_is_an_error(desk: Desk) -> None:
    desk.cluster.fail(Stalled("ApplyRefused", "projects is forbidden"), "get", "Project")

    with pytest.raises(PlanError, match="projects is forbidden") as caught:
        desk.diff()
    assert caught.value.exit_code == 2


def test_a_suspended_project_changes_nothing(desk: Desk, capsys: Capture) -> None:
    desk.roll_out()
    desk.write(suspend=True, environments=[])

    assert desk.diff() == 0
    assert "shop: Suspended" in capsys.readouterr().err
