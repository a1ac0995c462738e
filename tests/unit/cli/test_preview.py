"""`kapsa preview`: previews without a Project, made, listed and deleted by hand or by CI."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.cli import make_cli
from kapsa.cli.previews.objects import own_namespace_name, preview_name
from kapsa.cli.remote.desk import MANAGER, CommandError
from kapsa.core import labels
from tests.builders import environment_manifest
from tests.unit.cli.terminal import Terminal

IMAGE = "registry.example.com/acme/shop:1"
OWN = own_namespace_name("shop", "team-a")
CREATE = ("create", "shop", "--image", IMAGE)


class Previews(Terminal):
    """A command line for `kapsa preview`."""

    def run(self, *arguments: str) -> Result:
        return super().run("preview", *arguments)

    def live(self, namespace: str = "team-a") -> Manifest:
        return self.cluster.live("Environment", "shop", namespace)

    def reports(self, *conditions: tuple[str, str, str], **status: Any) -> Callable[[], object]:
        """Return what the operator does when it writes that status, wherever the preview is."""

        def write() -> None:
            (key,) = (key for key in self.cluster.objects if key[0] == "Environment")
            live = self.cluster.objects[key]
            said = [
                {"type": type_, "status": value, "reason": reason, "message": f"{reason} it is",
                 "observedGeneration": live["metadata"]["generation"]}
                for type_, value, reason in conditions
            ]  # fmt: skip
            self.cluster.put({**live, "status": {"conditions": said, **status}})

        return write

    def namespace(self, owner: str = f"Environment/{OWN}/shop", **changes: Any) -> Manifest:
        metadata = {
            "name": OWN,
            "labels": {labels.MANAGED_BY: labels.MANAGER},
            "annotations": {labels.OWNER: owner},
        }
        return self.cluster.put(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata | changes}
        )


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Previews:
    return Previews(monkeypatch)


READY = ("Ready", "True", "Ready")
PROGRESSING = ("Ready", "False", "WorkloadProgressing")
URL = "http://shop.apps.example.com"


def test_it_makes_an_environment_as_ci_would(terminal: Previews) -> None:
    result = terminal.run(
        *CREATE, "--pr", "42", "--ttl", "2d", "--domain-pool", "apps", "--subdomain", "acme",
        "--branch", "feature/x", "--commit", "a" * 40, "--env", "A=b=c", "--env", "B=",
        "--port", "3000", "--registry", "harbor",
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (0, "environment.kapsa-project.io/shop created\n")
    assert terminal.live()["spec"] == {
        "type": "preview",
        "image": IMAGE,
        "ttl": "2d",
        "branch": "feature/x",
        "commit": "a" * 40,
        "pullRequest": {"number": 42},
        "registry": {"name": "harbor"},
        "domain": {"domainPoolRef": {"name": "apps"}, "subdomain": "acme"},
        "runtime": {
            "ports": [{"containerPort": 3000}],
            "env": [{"name": "A", "value": "b=c"}, {"name": "B", "value": ""}],
        },
    }


def test_a_pull_request_alone_names_it_and_namespace_says_where(terminal: Previews) -> None:
    assert terminal.run("create", "--pr", "7", "--image", IMAGE, "-n", "team-b").exit_code == 0
    assert terminal.cluster.has("Environment", "pr-7", "team-b")


def test_a_second_time_it_changes_what_differs_and_says_so(terminal: Previews) -> None:
    terminal.run(*CREATE)
    uid = terminal.live()["metadata"]["uid"]
    assert "unchanged" in terminal.run(*CREATE).stdout
    assert "configured" in terminal.run("create", "shop", "--image", f"{IMAGE}.1").stdout
    assert terminal.live()["spec"]["image"] == f"{IMAGE}.1"
    assert terminal.live()["metadata"]["uid"] == uid


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "--image", IMAGE), "name the preview"),
        (("create", "Feature/X", "--image", IMAGE), "such as 'feature-x-"),
        (("create", "7up", "--image", IMAGE), "a letter first"),
        (("create", "shop"), "--image"),
        ((*CREATE, "--env", "A"), "NAME=VALUE"),
        ((*CREATE, "--subdomain", "x"), "needs --domain-pool"),
        ((*CREATE, "--timeout", "soon"), "no duration"),
        ((*CREATE, "--ttl", "soon"), "spec.ttl"),
        ((*CREATE, "--image", "no image"), "spec.image"),
        ((*CREATE, "--commit", "main"), "spec.commit"),
        (("extend", "shop"), "--for"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_misuse_is_told_and_writes_nothing(
    terminal: Previews, arguments: tuple[str, ...], said: str
) -> None:
    result = terminal.run(*arguments)
    assert (result.exit_code, terminal.cluster.writes) == (2, [])
    assert said in result.stderr


def test_an_environment_of_a_project_is_left_alone(terminal: Previews) -> None:
    reference = {"name": "shop", "namespace": "team-a", "uid": "u"}
    terminal.cluster.put(environment_manifest("shop", projectRef=reference))
    for arguments in (CREATE, ("delete", "shop")):
        result = terminal.run(*arguments)
        assert (result.exit_code, terminal.cluster.writes) == (2, [])
        assert "is made by Project" in result.stderr


@pytest.mark.parametrize(
    "error",
    [Stalled("ApplyRefused", "ci is forbidden to patch"), Waiting("ApiServerUnavailable", "away")],
    ids=str,
)
def test_what_the_api_server_says_is_passed_on(terminal: Previews, error: Stalled) -> None:
    terminal.cluster.fail(error, "apply")
    result = terminal.run(*CREATE)
    assert (result.exit_code, error.message in result.stderr) == (2, True)


def test_without_a_cluster_it_says_what_is_missing() -> None:
    result = CliRunner().invoke(
        make_cli(lambda: None), ["preview", "list", "--kubeconfig", "/does/not/exist"]
    )
    assert (result.exit_code, "no usable kubeconfig" in result.stderr) == (2, True)


# Waiting


def test_who_waits_gets_the_url_alone_on_standard_output(terminal: Previews) -> None:
    terminal.meanwhile = [terminal.reports(PROGRESSING), terminal.reports(READY, url=URL)]
    result = terminal.run(*CREATE, "--wait")
    assert (result.exit_code, result.stdout) == (0, f"{URL}\n")
    assert "WorkloadProgressing: WorkloadProgressing it is" in result.stderr


def test_the_status_of_what_ran_before_is_not_believed(terminal: Previews) -> None:
    terminal.run(*CREATE)
    terminal.reports(READY, url=URL)()
    terminal.meanwhile = [lambda: None, terminal.reports(("Ready", "False", "WorkloadFailed"))]
    result = terminal.run("create", "shop", "--image", f"{IMAGE}.1", "--wait", "--timeout", "5s")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "not within 5 s" in result.stderr
    assert "WorkloadFailed it is" in result.stderr


def test_what_stalls_fails_with_its_message(terminal: Previews) -> None:
    stalled = [(kind, value, "DomainPoolNotFound") for kind, value in
               (("Ready", "False"), ("Stalled", "True"))]  # fmt: skip
    terminal.meanwhile = [terminal.reports(*stalled)]
    result = terminal.run(*CREATE, "--wait", "--timeout", "1h")
    assert (result.exit_code, terminal.time < 10) == (1, True)
    assert "DomainPoolNotFound it is" in result.stderr


def test_a_failure_of_before_that_is_being_mended_is_not_final(terminal: Previews) -> None:
    terminal.run(*CREATE)
    terminal.reports(("Stalled", "True", "DomainPoolNotFound"))()
    terminal.meanwhile = [lambda: None, terminal.reports(READY, url=URL)]
    assert terminal.run(*CREATE, "--wait").stdout == f"{URL}\n"


def test_without_an_operator_it_asks_whether_there_is_one(terminal: Previews) -> None:
    result = terminal.run(*CREATE, "--wait", "--timeout", "3s")
    assert (result.exit_code, "does the operator run?" in result.stderr) == (1, True)


def test_an_api_server_that_is_away_for_a_while_is_waited_for(terminal: Previews) -> None:
    terminal.meanwhile = [
        lambda: terminal.cluster.fail(Waiting("ApiServerUnavailable", "away"), "get"),
        terminal.reports(READY, url=URL),
    ]
    assert terminal.run(*CREATE, "--wait").stdout == f"{URL}\n"


def test_one_that_is_deleted_meanwhile_is_not_waited_for(terminal: Previews) -> None:
    terminal.meanwhile = [lambda: terminal.cluster.remove("Environment", "shop", "team-a")]
    result = terminal.run(*CREATE, "--wait")
    assert (result.exit_code, "was deleted meanwhile" in result.stderr) == (1, True)


def test_one_without_a_domain_has_no_url(terminal: Previews) -> None:
    terminal.meanwhile = [terminal.reports(READY)]
    result = terminal.run(*CREATE, "--wait")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "--domain-pool" in result.stderr


# A namespace of its own


def test_its_own_namespace_comes_first_and_is_tied_to_it_last(terminal: Previews) -> None:
    assert terminal.run(*CREATE, "--own-namespace").exit_code == 0
    assert terminal.cluster.verbs() == [
        f"apply Namespace {OWN}",
        f"apply Environment {OWN}/shop",
        f"apply Namespace {OWN}",
    ]
    made = terminal.cluster.live("Namespace", OWN)["metadata"]
    assert made["labels"] == {
        "app.kubernetes.io/managed-by": "kapsa",
        "kapsa-project.io/environment": "shop",
        "kapsa-project.io/owner-uid": terminal.live(OWN)["metadata"]["uid"],
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    }
    assert made["annotations"] == {"kapsa-project.io/owner": f"Environment/{OWN}/shop"}
    first = terminal.cluster.writes[0].body["metadata"]
    assert "kapsa-project.io/owner-uid" not in first["labels"]


@pytest.mark.parametrize("kind", ["Namespace", "Environment"])
@pytest.mark.parametrize("late", [True, False], ids=["written", "not-written"])
@pytest.mark.parametrize("skip", [0, 1])
def test_interrupted_anywhere_and_asked_again_it_ends_the_same(
    terminal: Previews, kind: str, late: bool, skip: int
) -> None:
    terminal.cluster.fail(Waiting("x", "lost"), "apply", kind, late=late, skip=skip)
    terminal.run(*CREATE, "--own-namespace")
    terminal.cluster.faults.clear()
    assert terminal.run(*CREATE, "--own-namespace").exit_code == 0
    made = terminal.cluster.live("Namespace", OWN)["metadata"]
    assert made["labels"][labels.OWNER_UID] == terminal.live(OWN)["metadata"]["uid"]


def test_a_namespace_may_be_named(terminal: Previews) -> None:
    terminal.run(*CREATE, "--own-namespace", "-n", "shop-42")
    assert terminal.cluster.has("Environment", "shop", "shop-42")


def test_a_namespace_of_somebody_else_is_left_alone(terminal: Previews) -> None:
    for owner in ("Project/team-a/shop", f"Environment/{OWN}/other", ""):
        terminal.namespace(owner)
        result = terminal.run(*CREATE, "--own-namespace")
        assert (result.exit_code, terminal.cluster.writes) == (2, [])
        assert "was not made for the preview shop" in result.stderr
    terminal.namespace(labels={})
    assert terminal.run(*CREATE, "--own-namespace").exit_code == 2


def test_a_namespace_that_is_going_is_waited_for(terminal: Previews) -> None:
    terminal.namespace(deletionTimestamp="2026-01-01T00:00:00Z")
    terminal.meanwhile = [lambda: terminal.cluster.remove("Namespace", OWN)]
    assert terminal.run(*CREATE, "--own-namespace").exit_code == 0
    assert terminal.cluster.has("Environment", "shop", OWN)


def test_two_teams_that_call_it_the_same_get_two_namespaces() -> None:
    names = {own_namespace_name(name, around) for name, around in
             (("pr-1", "a"), ("pr-1", "b"), ("pr-2", "a"), ("pr-1", "a/pr"))}  # fmt: skip
    assert len(names) == 4


def test_a_refusal_after_the_namespace_was_made_says_that_it_stays(terminal: Previews) -> None:
    terminal.cluster.fail(Stalled("ApplyRefused", "no"), "apply", "Environment")
    result = terminal.run(*CREATE, "--own-namespace")
    assert (result.exit_code, f"namespace {OWN} stays" in result.stderr) == (2, True)


# List, delete, extend, pin


def test_a_list_shows_previews_and_no_permanent_environments(terminal: Previews) -> None:
    terminal.run(*CREATE, "--pr", "42")
    terminal.reports(READY, url=URL, phase="Running")()
    terminal.cluster.put(environment_manifest("production", type="permanent"))
    terminal.cluster.put(environment_manifest("other", metadata={"namespace": "team-b"}))
    heading, row = terminal.run("list").stdout.splitlines()
    assert heading.split() == ["NAME", "PROJECT", "PR", "BRANCH", "PHASE", "READY", "URL",
                               "EXPIRES", "AGE"]  # fmt: skip
    assert row.split() == ["shop", "#42", "Running", "True", URL, "0s"]
    assert [line.split()[:2] for line in terminal.run("list", "-A").stdout.splitlines()] == [
        ["NAMESPACE", "NAME"], ["team-a", "shop"], ["team-b", "other"]]  # fmt: skip
    assert IMAGE in terminal.run("list", "-o", "wide").stdout
    assert terminal.run("list", "-o", "name").stdout == "environment.kapsa-project.io/shop\n"
    listed = json.loads(terminal.run("list", "-o", "json").stdout)
    assert [item["metadata"]["name"] for item in listed["items"]] == ["shop"]


def test_an_empty_list_says_so(terminal: Previews) -> None:
    result = terminal.run("list")
    assert (result.stdout, result.stderr) == ("", "no previews in namespace team-a\n")


def test_it_is_deleted_here_or_in_its_own_namespace(terminal: Previews) -> None:
    for place, arguments in (("team-a", CREATE), (OWN, (*CREATE, "--own-namespace"))):
        terminal.run(*arguments)
        uid = terminal.live(place)["metadata"]["uid"]
        result = terminal.run("delete", "shop")
        assert (result.exit_code, result.stdout) == (
            0, "environment.kapsa-project.io/shop deleted\n")  # fmt: skip
        (write,) = terminal.cluster.writes
        assert (str(write), write.uid) == (f"delete Environment {place}/shop", uid)


def test_who_waits_waits_for_its_own_namespace_too(terminal: Previews) -> None:
    terminal.run(*CREATE, "--own-namespace")
    terminal.meanwhile = [lambda: terminal.cluster.remove("Namespace", OWN)]
    assert terminal.run("delete", "shop", "--wait").exit_code == 0
    terminal.run(*CREATE, "--own-namespace")
    result = terminal.run("delete", "shop", "--wait", "--timeout", "5s")
    assert (result.exit_code, f"Namespace {OWN} is gone" in result.stderr) == (1, True)


def test_one_that_is_not_there_can_not_be_deleted_unless_that_is_all_right(
    terminal: Previews,
) -> None:
    result = terminal.run("delete", "shop")
    assert (result.exit_code, "there is no Environment shop in team-a" in result.stderr) == (
        1, True)  # fmt: skip
    assert terminal.run("delete", "shop", "--ignore-not-found").exit_code == 0


def test_of_two_of_a_name_the_namespace_must_be_named(terminal: Previews) -> None:
    terminal.run(*CREATE)
    terminal.run(*CREATE, "--own-namespace")
    assert "name the namespace" in terminal.run("delete", "shop").stderr
    assert terminal.run("delete", "shop", "-n", OWN).exit_code == 0
    assert terminal.cluster.has("Environment", "shop", "team-a")


def test_a_preview_is_extended_and_pinned_by_annotations_of_their_own(terminal: Previews) -> None:
    terminal.run(*CREATE)
    terminal.run("extend", "shop", "--for", "2d")
    terminal.run("pin", "shop")
    annotations = terminal.live()["metadata"]["annotations"]
    assert annotations == {
        "kapsa-project.io/extended-until": "2026-01-03T00:00:00Z",
        "kapsa-project.io/pin": "true",
    }
    # One manager each: none of them takes the other's, or what `create` wrote, away.
    assert terminal.managers == [f"{MANAGER}-extended-until", f"{MANAGER}-pin"]
    terminal.run("pin", "shop", "--off")
    assert terminal.live()["metadata"]["annotations"]["kapsa-project.io/pin"] == "false"


def test_a_name_is_kept_or_refused() -> None:
    assert preview_name("shop-pr-42", 42) == "shop-pr-42"
    assert preview_name(None, 42) == "pr-42"
    for name in ("", "Shop", "-a", "a-", "1a", "a.b", "a" * 64):
        with pytest.raises(ValueError, match="is no name of an Environment"):
            preview_name(name, None)


def test_what_goes_wrong_has_the_exit_code_of_misuse() -> None:
    assert CommandError("x").exit_code == 2
