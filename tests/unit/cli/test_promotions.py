"""`kapsa promote`, `rollback` and `follow`: what they write into a Project, and what they say."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Stalled
from kapsa.core.projects.namespaces import environment_namespace
from kapsa.models.project import Project
from tests.builders import condition, environment_manifest, project_manifest, sha, uid
from tests.unit.cli.terminal import Terminal

STAGING = {"name": "staging", "branch": "main"}
PRODUCTION = {"name": "production", "promoteFrom": "staging", "autoSync": False}
MANUAL = ("shop", "staging", "production")
URL = "https://shop.apps.example.com"


def image(name: str) -> str:
    return f"registry.example.com/acme/shop@sha256:{name.encode().hex().ljust(64, '0')}"


def entry(name: str, result: str = "Succeeded") -> Manifest:
    return {"image": image(name), "commit": sha(name), "startedAt": "2026-01-01T00:00:00Z",
            "result": result}  # fmt: skip


class Shop(Terminal):
    """A Project `shop`, whose staging runs image `b` and whose production runs image `a`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch)
        self.has(STAGING, PRODUCTION)
        self.runs("staging", "b")
        self.runs("production", "a", type="permanent", image=image("a"))

    def has(self, *environments: Manifest, **spec: Any) -> None:
        self.cluster.put(project_manifest(environments=list(environments), **spec))

    def runs(
        self, slug: str, name: str, *, ready: str = "True", url: str = "", **spec: Any
    ) -> None:
        self.cluster.put(self.environment(slug, name, ready=ready, url=url, **spec))

    def environment(
        self, slug: str, name: str, *, ready: str = "True", url: str = "", **spec: Any
    ) -> Manifest:
        project = Project.model_validate(self.project())
        said = condition("Ready", ready, "WorkloadFailed", "it crashes") | {"observedGeneration": 9}
        status = {"image": image(name), "commit": sha(name), "conditions": [said], "url": url,
                  "history": [entry(name), entry("y", "Failed"), entry("z")]}  # fmt: skip
        return environment_manifest(
            f"shop-{slug}", of=project, status=status,
            namespace=environment_namespace(project, f"shop-{slug}"), **spec,
        )  # fmt: skip

    def project(self) -> Manifest:
        return self.cluster.live("Project", "shop", "team-a")

    def pins(self, name: str = "production") -> tuple[str | None, str | None]:
        items = self.project()["spec"]["environments"]
        found = next(item for item in items if item["name"] == name)
        return found.get("image"), found.get("revision")

    def operator_rolls_out(self) -> Callable[[], object]:
        return lambda: self.runs("production", "b", image=image("b"), type="permanent", url=URL)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(monkeypatch)


def pinned(name: str) -> tuple[str, str]:
    return image(name), sha(name)


# Promotion


def test_promotion_sets_the_digest_and_commit_that_run_and_nothing_else(shop: Shop) -> None:
    before = shop.project()["spec"]
    result = shop.run("promote", *MANUAL)
    assert (result.exit_code, result.stdout) == (0, "project.kapsa-project.io/shop configured\n")
    assert shop.project()["spec"] == before | {
        "environments": [STAGING, PRODUCTION | {"image": image("b"), "revision": sha("b")}]
    }
    assert [str(write) for write in shop.cluster.writes] == ["patch Project team-a/shop"]
    assert f"production runs {image('a')} (commit {sha('a')[:7]})" in result.stderr
    assert f"production is told to run {image('b')}" in result.stderr
    assert "manifest must say so, too" in result.stderr


def test_a_second_time_there_is_nothing_to_write(shop: Shop) -> None:
    shop.run("promote", *MANUAL)
    result = shop.run("promote", *MANUAL)
    assert (result.exit_code, shop.cluster.writes) == (0, [])
    assert result.stdout == "project.kapsa-project.io/shop unchanged\n"


@pytest.mark.parametrize("isolation", ["Shared", "Project", "Environment"])
def test_a_preview_is_found_wherever_it_lives(shop: Shop, isolation: str) -> None:
    shop.has(PRODUCTION, isolation=isolation)
    shop.runs("pr-42", "c", pullRequest={"number": 42})
    assert shop.run("promote", "shop", "pr-42", "production").exit_code == 0
    assert shop.pins() == pinned("c")


def test_an_image_without_a_known_commit_leaves_no_false_revision(shop: Shop) -> None:
    shop.has(STAGING, PRODUCTION | {"revision": sha("x")})
    live = shop.environment("staging", "b")
    live["status"]["commit"] = ""
    shop.cluster.put(live)
    shop.run("promote", *MANUAL)
    assert shop.pins() == (image("b"), None)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("promote", "shop", "stagin", "production"), 1, "has no environment stagin"),
        (
            ("promote", "shop", "staging", "pr-7"),
            1,
            "no permanent environment pr-7; it has staging",
        ),
        (("promote", "shop", "staging", "staging"), 2, "are both staging"),
        (("promote", "shop", "staging"), 2, "TO"),
        (("promote", "shop", "pr-9", "production"), 1, "is not Ready, so what it runs has proved"),
        (("promote", "cart", "staging", "production"), 1, "no Project cart in namespace team-a"),
        (("promote", *MANUAL, "-n", "team-b"), 1, "no Project shop in namespace team-b"),
        (("rollback", "shop", "production", "--to", "main"), 1, "no beginning of a commit"),
        (("rollback", "shop", "nowhere"), 1, "no permanent environment nowhere"),
        (("follow", "shop", "pr-9"), 1, "no permanent environment pr-9"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_can_not_be_done_is_told_and_writes_nothing(
    shop: Shop, arguments: tuple[str, ...], code: int, said: str
) -> None:
    shop.runs("pr-9", "c", ready="False", pullRequest={"number": 9})
    result = shop.run(*arguments)
    assert (result.exit_code, shop.cluster.writes) == (code, [])
    assert said in result.stderr


def test_an_environment_of_that_name_that_is_not_the_projects_is_not_meant(shop: Shop) -> None:
    live = shop.environment("staging", "evil")
    live["spec"]["projectRef"]["uid"] = uid("Project", "other")
    shop.cluster.put(live)
    assert "has no environment staging" in shop.run("promote", *MANUAL).stderr


# Whoever else writes


def test_who_edits_the_environment_meanwhile_is_not_overruled(shop: Shop) -> None:
    fault = shop.cluster.fail(Stalled("ApplyRefused", "the test failed"), "patch")
    edited = PRODUCTION | {"image": image("c")}
    original = fault.hits

    def hits(verb: str, kind: str) -> bool:
        if verb == "patch":
            shop.has(STAGING, edited)
        return original(verb, kind)

    fault.hits = hits  # type: ignore[method-assign]
    result = shop.run("promote", *MANUAL)
    assert result.exit_code == 1
    assert "was changed by somebody else meanwhile, and nothing is written" in result.stderr
    assert shop.pins() == (image("c"), None)


def test_the_patch_fits_only_the_item_and_the_project_that_were_read(shop: Shop) -> None:
    shop.run("promote", *MANUAL)
    tests = [item for item in shop.cluster.writes[0].body["operations"] if item["op"] == "test"]
    assert tests == [
        {"op": "test", "path": "/metadata/uid", "value": uid("Project", "shop", "team-a")},
        {"op": "test", "path": "/spec/environments/1", "value": PRODUCTION},
    ]


def test_what_the_api_server_refuses_is_passed_on(shop: Shop) -> None:
    shop.cluster.fail(Stalled("ApplyRefused", "dev is forbidden to patch projects"), "patch")
    result = shop.run("promote", *MANUAL)
    assert (result.exit_code, shop.pins()) == (2, (None, None))
    assert "dev is forbidden to patch projects" in result.stderr


# Rolling back, and following again


def test_rollback_goes_to_the_image_before(shop: Shop) -> None:
    assert shop.run("rollback", "shop", "production").exit_code == 0
    assert shop.pins() == pinned("z")


def test_rollback_goes_to_a_commit_that_is_named_even_if_it_failed(shop: Shop) -> None:
    result = shop.run("rollback", "shop", "production", "--to", sha("y")[:7])
    assert (result.exit_code, shop.pins()) == (0, pinned("y"))
    assert "its roll-out of then is Failed" in result.stderr


def test_what_is_told_already_but_does_not_run_yet_is_what_is_left(shop: Shop) -> None:
    shop.run("promote", *MANUAL)
    shop.run("rollback", "shop", "production")
    assert shop.pins() == pinned("a")


def test_the_history_is_listed_the_newest_first(shop: Shop) -> None:
    result = shop.run("rollback", "shop", "production", "--list")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert (result.exit_code, shop.cluster.writes) == (0, [])
    assert [line[1:3] for line in lines] == [
        ["COMMIT", "RESULT"],
        [sha("a")[:7], "Succeeded"],
        [sha("y")[:7], "Failed"],
        [sha("z")[:7], "Succeeded"],
    ]
    assert lines[1][-1] == image("a")


def test_it_says_how_long_an_environment_stays_that_would_follow(shop: Shop) -> None:
    result = shop.run("rollback", "shop", "staging")
    assert (
        "staging stays at this image, whatever branch main says, until kapsa follow shop staging"
        in result.stderr
    )
    assert shop.pins("staging") == pinned("z")


def test_following_again_takes_the_pins_out(shop: Shop) -> None:
    shop.has(STAGING | {"image": image("a"), "revision": sha("a")}, PRODUCTION)
    result = shop.run("follow", "shop", "staging")
    assert (result.exit_code, shop.pins("staging")) == (0, (None, None))
    assert "staging follows branch main" in result.stderr
    again = shop.run("follow", "shop", "staging")
    assert (again.stdout, shop.cluster.writes) == (
        "project.kapsa-project.io/shop unchanged\n",
        [],
    )


def test_without_auto_sync_following_changes_nothing_that_runs(shop: Shop) -> None:
    shop.run("promote", *MANUAL)
    result = shop.run("follow", "shop", "production")
    assert shop.pins() == (None, None)
    assert "production keeps what it runs; what environment staging offers shows" in result.stderr


# What is printed


def test_a_dry_run_prints_the_change_for_git_and_writes_nothing(shop: Shop) -> None:
    result = shop.run("promote", *MANUAL, "--dry-run", "-o", "yaml", "--wait")
    assert (result.exit_code, shop.cluster.writes) == (0, [])
    assert yaml.safe_load(result.stdout) == {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "Project",
        "metadata": {"name": "shop", "namespace": "team-a"},
        "spec": {
            "environments": [{"name": "production", "image": image("b"), "revision": sha("b")}]
        },
    }
    told = shop.run("promote", *MANUAL, "--dry-run")
    assert told.stdout == "project.kapsa-project.io/shop configured (dry run)\n"


def test_a_dry_run_of_following_shows_what_is_taken_out(shop: Shop) -> None:
    shop.run("promote", *MANUAL)
    result = shop.run("follow", "shop", "production", "--dry-run", "-o", "json")
    (item,) = json.loads(result.stdout)["spec"]["environments"]
    assert item == {"name": "production", "image": None, "revision": None}
    assert shop.pins() == pinned("b")


def test_programs_get_the_project_or_its_name(shop: Shop) -> None:
    whole = json.loads(shop.run("promote", *MANUAL, "-o", "json").stdout)
    assert whole["spec"]["environments"][1]["image"] == image("b")
    assert shop.run("promote", *MANUAL, "-o", "name").stdout == "project.kapsa-project.io/shop\n"


# Waiting


def test_who_waits_gets_the_url_alone_once_it_runs(shop: Shop) -> None:
    shop.meanwhile = [lambda: None, shop.operator_rolls_out()]
    result = shop.run("promote", *MANUAL, "--wait")
    assert (result.exit_code, result.stdout) == (0, f"{URL}\n")


def test_it_waits_for_an_environment_that_is_made_by_that(shop: Shop) -> None:
    made = environment_namespace(Project.model_validate(shop.project()), "shop-production")
    shop.cluster.remove("Environment", "shop-production", made)
    shop.meanwhile = [lambda: None, shop.operator_rolls_out()]
    assert shop.run("promote", *MANUAL, "--wait").stdout == f"{URL}\n"


@pytest.mark.parametrize(
    ("spec", "conditions", "said"),
    [
        ({}, [], "nothing tells it: does the operator run?"),
        ({"suspend": True}, [], "is suspended: nothing is rolled out"),
        ({}, [condition("Stalled", "True", "InvalidSpec", "a circle") | {"observedGeneration": 9}],
         "InvalidSpec: a circle"),
    ],
)  # fmt: skip
def test_what_keeps_it_from_rolling_out_is_told(
    shop: Shop, spec: Manifest, conditions: list[Manifest], said: str
) -> None:
    shop.cluster.put(project_manifest(
        environments=[STAGING, PRODUCTION], status={"conditions": conditions}, **spec
    ))  # fmt: skip
    result = shop.run("promote", *MANUAL, "--wait", "--timeout", "3s")
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr


def test_an_image_that_fails_fails_the_command(shop: Shop) -> None:
    shop.meanwhile = [lambda: shop.runs("production", "a", ready="False", image=image("b"))]
    result = shop.run("promote", *MANUAL, "--wait", "--timeout", "3s")
    assert (result.exit_code, "WorkloadFailed: it crashes" in result.stderr) == (1, True)
