"""Whatever branches and Projects are called, each gets a name and a host that are its own."""

import re
from collections.abc import Callable

from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, is_ready, wait_for

NewApplication = Callable[..., Application]

BRANCHES = (
    "a/b",
    "a-b",
    "A/B",
    "long/" + "x" * 195,
    "long/" + "x" * 194 + "y",
    "grüße/你好-🚀",
    "pr-1",
    "production",
    "production-shop",
)
"""Branches whose names collide once they are made fit for a host, or read like something else."""

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _fill(app: Application) -> dict[str, str]:
    """Make the branches and images; return the commits by branch."""
    commits = {"main": app.commit("main", image=False)}
    for branch in BRANCHES:
        app.commit(branch, image=False)
    for branch in BRANCHES:
        commits[branch] = app.worktree.git("rev-parse", f"refs/heads/{branch}")
    for sha in commits.values():
        app.push_image(sha)
    return commits


def _project(app: Application, isolation: str) -> Manifest:
    branches = {"enabled": True, "include": ["*"]}
    return app.project(
        isolation=isolation,
        domain={"domainPoolRef": {"name": "apps"}},
        previewEnvironments={"branches": branches},
    )


def _wait_until_all_run(app: Application, commits: dict[str, str]) -> list[Manifest]:
    """Return the Environments once there is one for each branch and pull request, and all run."""

    def look() -> list[Manifest] | None:
        found = list(app.environments().values())
        return found if len(found) == len(commits) and all(map(is_ready, found)) else None

    return wait_for(f"all of {app.name} run", look, within=60)


def _assert_distinct(environments: list[Manifest]) -> None:
    names = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in environments]
    hosts = [item["status"]["host"] for item in environments]
    assert len(set(names)) == len(names)
    assert len(set(hosts)) == len(hosts)
    for _, name in names:
        assert _LABEL.fullmatch(name), name
    for host in hosts:
        label, _, base = host.partition(".")
        assert _LABEL.fullmatch(label), host
        assert base == "apps.localhost"


def _assert_each_runs_its_branch(environments: list[Manifest], commits: dict[str, str]) -> None:
    """Each Environment runs the head of its branch, under a host that routes to it alone."""
    shown = {item["spec"]["branch"]: item["status"]["commit"] for item in environments}
    assert shown == commits


def test_branches_whose_names_collide_get_distinct_names_and_hosts(
    shared_operator: OperatorProcess, new_application: NewApplication
) -> None:
    apart = [new_application("shop"), new_application("shop")]
    commits = [_fill(app) for app in apart]
    numbers = [app.open_pull_request("a-b") for app in apart]
    for app in apart:
        app.apply(_project(app, "Project"))
    found = [_wait_until_all_run(app, own) for app, own in zip(apart, commits, strict=True)]

    _assert_distinct([item for own in found for item in own])
    for own, expected, number in zip(found, commits, numbers, strict=True):
        _assert_each_runs_its_branch(own, expected)
        by_branch = {item["spec"]["branch"]: item for item in own}
        assert by_branch["a-b"]["metadata"]["name"] == f"shop-pr-{number}"
        assert by_branch["main"]["metadata"]["name"] == "shop-production"


def test_projects_of_one_namespace_whose_names_run_together_get_distinct_names_and_hosts(
    shared_operator: OperatorProcess, new_application: NewApplication
) -> None:
    shop = new_application("shop")
    commits = _fill(shop)
    # `shop` + `production-shop` and `shop-production` + `shop` read the same.
    other = shop.project(
        isolation="Shared",
        environments=[{"name": "shop", "branch": "main"}, {"name": "production", "branch": "main"}],
    )
    other["metadata"]["name"] = "shop-production"
    shop.apply(_project(shop, "Shared"), other)
    _wait_until_all_run(shop, commits)

    def all_run() -> list[Manifest] | None:
        found = [
            item
            for item in shop.list("environments")
            if item["metadata"]["namespace"] == shop.namespace
        ]
        return found if len(found) == len(commits) + 2 and all(map(is_ready, found)) else None

    found = wait_for("all of both Projects run", all_run)
    _assert_distinct(found)
    own = [item for item in found if item["spec"]["projectRef"]["name"] == "shop"]
    _assert_each_runs_its_branch(own, commits)
