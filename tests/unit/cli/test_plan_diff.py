"""`kapsa plan -o diff`: what the operator would change in a cluster."""

import asyncio
import copy
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
from kapsa.core.projects.listings import PullRequestListing, RefListing
from kapsa.core.projects.namespaces import environment_namespace
from kapsa.models import DomainPool, Project
from tests.builders import environment_manifest, pool_manifest, project, project_manifest, sha
from tests.fakes import FakeCluster

NOW = 1_767_225_600.0
MADE = "kapsa-shop-6b3e3555a7"
PRODUCTION = {"name": "production", "branch": "main", "runtime": {"replicas": 3}}
STAGING = {"name": "staging", "branch": "main"}
SPEC: dict[str, Any] = {
    "environments": [PRODUCTION, STAGING],
    "domain": {"domainPoolRef": {"name": "apps"}},
}
BOUND = {"configRefs": [{"name": "config"}], "secretRefs": [{"name": "secrets"}]}

Capture = pytest.CaptureFixture[str]


class Desk:
    """A folder with a Project and the refs of its repository, and a cluster where it runs."""

    def __init__(self, folder: Path) -> None:
        self.file, self.refs_file = folder / "shop.json", folder / "refs.txt"
        self.cluster = FakeCluster()
        self.spec = dict(SPEC)
        self.cluster.put(pool_manifest())
        self.write()
        self.refs(main=sha("a"))

    def write(self, **spec: Any) -> None:
        """Write the Project as a person has it: without UID and status."""
        manifest = project_manifest("shop", **(self.spec | spec))
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
        self.cluster.put(project_manifest("shop", **self.spec))
        # The second time with the UIDs that their owners got the first time.
        for _ in range(2):
            self.cluster.put(*self._planned())

    def _planned(self) -> tuple[Manifest, ...]:
        live = self.cluster.live("Project", "shop", "team-a")
        shop = Project.model_validate(live)
        live_cluster = LiveCluster(self.cluster)
        environments = asyncio.run(live_cluster.environments(shop, Given()))
        known = PlanInput(
            project=shop,
            refs=RefListing({"main": sha("a")}, complete=True),
            pull_requests=PullRequestListing(complete=True, empty_answers=2),
            environments=environments,
            pool=DomainPool.model_validate(pool_manifest()),
            namespaces=asyncio.run(live_cluster.namespaces(shop)),
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


def put_content(desk: Desk) -> None:
    """Store what the operator puts into the cluster by the content that it reads."""
    config: Any = {"f:kapsa-project.io/config": {}}
    template = {"f:metadata": {"f:annotations": config}}
    for key in list(desk.cluster.objects):
        owned: Any = {}
        manifest = copy.deepcopy(desk.cluster.objects[key])
        if manifest["kind"] == "ConfigMap":
            manifest |= {"data": {"A": "1"}, "binaryData": {"B": "AA=="}}
            owned = {"f:data": {"f:A": {}}, "f:binaryData": {"f:B": {}}}
        elif manifest["kind"] == "Deployment":
            annotations = {"kapsa-project.io/config": "0123456789abcdef"}
            metadata = manifest["spec"]["template"]["metadata"]
            metadata["annotations"] = metadata.get("annotations", {}) | annotations
            owned = {"f:spec": {"f:template": template}}
        fields = {"manager": "kapsa", "operation": "Apply", "fieldsV1": owned}
        manifest["metadata"] |= {"managedFields": [fields]}
        desk.cluster.put(manifest)


def test_what_configuration_holds_makes_no_difference(desk: Desk, capsys: Capture) -> None:
    desk.spec["runtime"] = BOUND
    desk.write()
    desk.roll_out()
    put_content(desk)

    assert desk.diff() == 0
    assert capsys.readouterr().out == ""


def test_configuration_that_is_unbound_shows_but_for_secrets(desk: Desk, capsys: Capture) -> None:
    desk.spec["runtime"] = BOUND
    desk.write()
    desk.roll_out()
    put_content(desk)
    desk.write(runtime={})

    assert desk.diff() == 1

    out = capsys.readouterr().out
    assert f"--- live/ConfigMap/{MADE}/shop-production-config-" in out
    assert "Secret/" not in out
    assert "0123456789abcdef" not in out


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
    assert headers[:8:2] == ["--- /dev/null"] * 4
    assert headers[1:8:2] == [
        f"+++ planned/Namespace/{MADE}",
        f"+++ planned/ServiceAccount/{MADE}/kapsa-shop",
        f"+++ planned/NetworkPolicy/{MADE}/kapsa",
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


def test_a_closed_environment_takes_its_own_namespace_along_unless_a_volume_is_retained(
    desk: Desk, capsys: Capture
) -> None:
    desk.spec |= {"isolation": "Environment"}
    desk.write()
    desk.roll_out()
    assert desk.diff() == 0
    desk.write(environments=[PRODUCTION])
    home = environment_namespace(project("shop", isolation="Environment"), "shop-staging")

    assert desk.diff() == 1
    assert f"--- live/Namespace/{home}\n+++ /dev/null\n" in capsys.readouterr().out

    labels = {"app.kubernetes.io/managed-by": "kapsa", "kapsa-project.io/retain": "true"}
    metadata = {"name": "data", "namespace": home, "labels": labels}
    desk.cluster.put(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {}}
    )
    assert desk.diff() == 1
    said = capsys.readouterr().out
    assert "live/Namespace" not in said
    assert f"--- live/Environment/{home}/shop-staging\n+++ /dev/null\n" in said


def test_a_retained_volume_is_taken_up_again_as_it_is(desk: Desk, capsys: Capture) -> None:
    volume = {"name": "data", "mountPath": "/data", "retain": True}
    desk.spec |= {"environments": [{"name": "production", "branch": "main"}]}
    desk.spec |= {"runtime": {"volumes": [volume | {"size": "5Gi"}]}}
    desk.write()
    desk.roll_out()
    assert desk.diff() == 0
    for kind in ("Environment", "Deployment"):
        desk.cluster.remove(kind, "shop-production", MADE)
    desk.spec |= {"runtime": {"volumes": [volume]}}
    desk.write()

    assert desk.diff() == 1
    said = capsys.readouterr()
    assert "+++ planned/Deployment/" in said.out
    assert "PersistentVolumeClaim" not in f"{said.out}{said.err}"

    desk.spec |= {"runtime": {"volumes": [volume | {"size": "1Gi"}]}}
    desk.write()
    assert desk.diff() == 1
    assert "a volume never shrinks" in capsys.readouterr().err


def test_in_a_strangers_namespace_of_one_environment_only_that_one_is_not_made(
    desk: Desk, capsys: Capture
) -> None:
    desk.spec |= {"isolation": "Environment"}
    desk.write()
    home = environment_namespace(project("shop", isolation="Environment"), "shop-staging")
    desk.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home}})

    assert desk.diff() == 1

    said = capsys.readouterr()
    assert home not in said.out
    assert "/shop-production\n" in said.out
    assert f"Namespace/{home} exists, and Kapsa did not make it" in said.err


def test_access_that_is_taken_away_is_shown(desk: Desk, capsys: Capture) -> None:
    desk.spec |= {"access": [{"kind": "Group", "name": "team-a"}]}
    desk.write()
    desk.roll_out()
    assert desk.diff() == 0
    desk.write(access=[])

    assert desk.diff() == 1
    headers = [line for line in changed(capsys.readouterr().out) if line.startswith("---")]
    assert headers == [f"--- live/RoleBinding/{MADE}/kapsa-access"]


def test_a_strangers_furnishing_is_left_out_and_noted(desk: Desk, capsys: Capture) -> None:
    metadata = {"name": "kapsa", "namespace": MADE}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata}
    desk.cluster.put({**policy, "spec": {}})

    assert desk.diff() == 1

    said = capsys.readouterr()
    assert f"NetworkPolicy/{MADE}/kapsa exists, and Kapsa did not make it" in said.err
    assert "planned/NetworkPolicy" not in said.out


def test_the_operators_settings_are_taken_from_their_variables(
    desk: Desk, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.roll_out()
    monkeypatch.setenv("KAPSA_RESOURCE_QUOTA", '{"pods": "5"}')

    assert desk.diff() == 1
    assert f"+++ planned/ResourceQuota/{MADE}/kapsa\n" in capsys.readouterr().out

    monkeypatch.setenv("KAPSA_RESOURCE_QUOTA", "many")
    with pytest.raises(PlanError, match="KAPSA_RESOURCE_QUOTA"):
        desk.diff()


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


def test_a_job_that_was_made_stays_what_it_is(desk: Desk, capsys: Capture) -> None:
    release = {"release": {"command": ["./migrate"]}}
    desk.spec["runtime"] = release
    desk.write()
    desk.roll_out()
    desk.write(runtime=release | {"env": [{"name": "A", "value": "b"}]})

    assert desk.diff() == 1

    shown = capsys.readouterr().out
    assert "--- live/Deployment/" in shown
    assert "/Job/" not in shown
