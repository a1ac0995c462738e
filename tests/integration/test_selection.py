"""Which branches and pull requests get a preview, and why the others have none."""

from collections.abc import Callable

from lab.errors import LabError
from lab.gitea import Account
from lab.httpclient import request_json
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, condition, wait_for
from lab.worktree import worktree
from tests.integration.suspending import set_suspend

NewApplication = Callable[..., Application]

Decision = tuple[str, str]
"""What became of a candidate, and why."""


def _decisions(app: Application) -> dict[str, Decision]:
    """Return what became of each candidate, by `pr-<number>` or the branch."""
    status = (app.get("project", app.name) or {}).get("status") or {}
    return {
        f"pr-{item['pr']}" if item.get("pr") else item["ref"]: (item["decision"], item["reason"])
        for item in status.get("candidates") or ()
    }


def _wait_for_decisions(app: Application, expected: dict[str, Decision]) -> None:
    """Wait until every candidate has the decision that is expected, and the previews are there."""
    previewed = {slug for slug, (decision, _) in expected.items() if decision == "Previewed"}

    def look() -> bool:
        if _decisions(app) != expected:
            return False
        shown = {item["spec"]["branch"]: slug for slug, item in app.environments().items()}
        slugs = {*shown, *shown.values()} - {"main", "production"}
        return previewed <= slugs and len(app.environments()) == len(previewed) + 1

    try:
        wait_for("the candidates are decided", look, within=20)
    except LabError:
        assert _decisions(app) == expected
        raise


def _previews(**rules: object) -> Manifest:
    return {"pullRequests": rules}


def _open(app: Application, *branches: str) -> dict[str, int]:
    """Make branches with images, and a pull request of each; return their numbers."""
    for branch in branches:
        app.commit(branch)
    return {branch: app.open_pull_request(branch) for branch in branches}


def test_labels_drafts_and_heads_decide_and_each_candidate_says_why(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    wanted = ("plain", "labelled", "unwanted", "dependabot/pip", "draft")
    numbers = _open(app, *wanted[:-1])
    app.commit("draft")
    numbers["draft"] = app.open_pull_request("draft", "WIP: not yet")
    labels = {branch: ["preview"] for branch in wanted[1:]} | {
        "unwanted": ["preview", "no-preview"]
    }
    for branch, names in labels.items():
        app.gitea.add_labels(app.repository, numbers[branch], *names)
    app.apply(
        app.project(
            previewEnvironments=_previews(
                labels={"include": ["preview"], "exclude": ["no-*"]},
                heads={"include": ["*"], "exclude": ["dependabot/*"]},
            )
        )
    )
    expected = {
        "plain": ("Skipped", "LabelMissing"),
        "labelled": ("Previewed", "PullRequestOpen"),
        "unwanted": ("Skipped", "LabelExcluded"),
        "dependabot/pip": ("Skipped", "HeadExcluded"),
        "draft": ("Skipped", "Draft"),
    }
    _wait_for_decisions(app, {f"pr-{numbers[branch]}": why for branch, why in expected.items()})

    # Each may change its mind: a label comes, a label goes, a draft is ready.
    app.gitea.add_labels(app.repository, numbers["plain"], "preview")
    app.gitea.remove_label(app.repository, numbers["labelled"], "preview")
    path = f"/repos/{app.repository.full_name}/pulls/{numbers['draft']}"
    app.gitea.call("PATCH", path, {"title": "Ready"})
    expected["plain"] = expected["draft"] = ("Previewed", "PullRequestOpen")
    expected["labelled"] = ("Skipped", "LabelMissing")
    _wait_for_decisions(app, {f"pr-{numbers[branch]}": why for branch, why in expected.items()})


def test_branches_get_previews_where_they_are_included_and_one_with_a_pull_request_has_only_that(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    for branch in ("preview/a", "preview/skipped-b", "other"):
        app.commit(branch)
    number = _open(app, "preview/c")["preview/c"]
    rules = {"enabled": True, "include": ["preview/*", "main"], "exclude": ["*/skipped-*"]}
    app.apply(app.project(previewEnvironments={"branches": rules}))
    expected = {
        "main": ("Skipped", "PermanentEnvironment"),
        "preview/a": ("Previewed", "BranchIncluded"),
        "preview/c": ("Skipped", "PreviewedAsPullRequest"),
        f"pr-{number}": ("Previewed", "PullRequestOpen"),
    }
    _wait_for_decisions(app, expected)

    app.close_pull_request(number)
    del expected[f"pr-{number}"]
    expected["preview/c"] = ("Previewed", "BranchIncluded")
    _wait_for_decisions(app, expected)
    app.worktree.delete_branch("preview/a")
    del expected["preview/a"]
    _wait_for_decisions(app, expected)


def _fork(app: Application) -> tuple[Account, int]:
    """Have a stranger fork the repository and open a pull request; return both."""
    stranger = app.gitea.create_user(f"stranger-{app.namespace}")
    app.gitea.add_collaborator(app.repository, stranger, "read")
    token = app.gitea.create_token(stranger)
    base = f"{app.gitea.url}/api/v1/repos"
    authorization = f"token {token}"
    fork = request_json(
        "POST", f"{base}/{app.repository.full_name}/forks", authorization=authorization, payload={}
    )
    url = str(fork["clone_url"]).replace("://", f"://{stranger.name}:{token}@")
    with worktree(url) as tree:
        tree.git("fetch", "--quiet", "origin", "main")
        tree.git("branch", "main", "FETCH_HEAD")
        tree.commit({"evil.txt": "boo\n"}, "Do harm", "harm")
        tree.push("harm")
    payload = {"head": f"{stranger.name}:harm", "base": "main", "title": "Harmless"}
    made = request_json(
        "POST",
        f"{base}/{app.repository.full_name}/pulls",
        authorization=authorization,
        payload=payload,
    )
    return stranger, int(made["number"])


def test_a_pull_request_from_a_fork_gets_no_preview(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    own = _open(app, "own")["own"]
    _, number = _fork(app)
    app.apply(app.project())
    _wait_for_decisions(
        app,
        {f"pr-{own}": ("Previewed", "PullRequestOpen"), f"pr-{number}": ("Skipped", "Fork")},
    )


def test_without_a_forge_refs_tell_open_pull_requests_from_closed_ones_and_forks(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    numbers = _open(app, "one", "two")
    _fork(app)
    project = app.project()
    project["spec"]["repository"]["provider"] = "git"
    app.apply(project)
    expected = {f"pr-{number}": ("Previewed", "PullRequestOpen") for number in numbers.values()}
    _wait_for_decisions(app, expected)

    app.worktree.delete_branch("one")
    del expected[f"pr-{numbers['one']}"]
    _wait_for_decisions(app, expected)


def test_further_previews_than_max_active_wait_for_their_turn_the_oldest_first(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    numbers = _open(app, "one", "two", "three")
    app.apply(app.project(previewEnvironments={"maxActive": 1}))
    shown, queued = ("Previewed", "PullRequestOpen"), ("Queued", "MaxActive")
    one, two, three = (f"pr-{number}" for number in numbers.values())
    _wait_for_decisions(app, {one: shown, two: queued, three: queued})
    app.close_pull_request(numbers["one"])
    _wait_for_decisions(app, {two: shown, three: queued})


def _slow(app: Application, **spec: object) -> Manifest:
    """Return a Project that is polled so seldom that only a request brings anything."""
    project = app.project(**spec)
    project["spec"]["repository"]["pollInterval"] = "1h"
    return project


def test_a_request_has_the_repository_read_at_once(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    app.apply(_slow(app))
    app.wait_until_running("production", sha)
    later = app.commit("main")
    app.request()
    app.wait_until_running("production", later)
    annotations = (app.get("project", app.name) or {})["metadata"]["annotations"]
    status = (app.get("project", app.name) or {})["status"]
    assert status["lastHandledRequestedAt"] == annotations["kapsa-project.io/requestedAt"]


def test_previews_that_vanish_all_at_once_are_held_until_somebody_confirms_it(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    numbers = _open(app, *"abcde")
    app.apply(app.project())
    shown = {f"pr-{number}": ("Previewed", "PullRequestOpen") for number in numbers.values()}
    _wait_for_decisions(app, shown)
    before = {slug: item["metadata"]["uid"] for slug, item in app.environments().items()}
    # While nobody looks, so that they go at once.
    set_suspend(app, "project", app.project(), suspend=True)
    app.wait_for_condition("Ready", "Suspended")
    for number in numbers.values():
        app.close_pull_request(number)
    set_suspend(app, "project", app.project(), suspend=False)

    said = app.wait_for_condition("CleanupHeld", "MassDeletion")
    assert said["status"] == "True"
    assert "5 previews" in said["message"]
    after = {slug: item["metadata"]["uid"] for slug, item in app.environments().items()}
    assert after == before

    app.request()
    wait_for("the previews are gone", lambda: list(app.environments()) == ["production"])
    app.wait_for_condition("CleanupHeld", "NoMassDeletion")


def test_a_sick_forge_deletes_nothing(shared_operator: OperatorProcess, app: Application) -> None:
    app.commit("main")
    numbers = _open(app, "one", "two")
    app.apply(app.project())
    shown = {f"pr-{number}": ("Previewed", "PullRequestOpen") for number in numbers.values()}
    _wait_for_decisions(app, shown)
    before = {slug: item["metadata"]["uid"] for slug, item in app.environments().items()}
    # The forge's API answers 404 from now on, while git goes on.
    path = f"/repos/{app.repository.full_name}"
    app.gitea.call("PATCH", path, {"has_pull_requests": False})
    app.wait_for_condition("RepositoryAccessible", "RepositoryNotFound")
    sha = app.commit("main")
    app.wait_until_running("production", sha)
    after = {slug: item["metadata"]["uid"] for slug, item in app.environments().items()}
    assert after == before

    app.gitea.call("PATCH", path, {"has_pull_requests": True})
    app.wait_for_condition("RepositoryAccessible", "RepositoryAccessible")
    _wait_for_decisions(app, shown)
    assert condition(app.get("project", app.name), "CleanupHeld")["status"] == "False"
