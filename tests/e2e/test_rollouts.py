"""New commits and old ones, as those see them who are reading the page."""

import subprocess
import sys
from pathlib import Path

from lab.httpclient import request
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, condition, wait_for
from lab.story_app import BROKEN_MIGRATION
from tests.e2e.load import steady_load
from tests.e2e.pages import address_of, commit_page, wait_until_open

WITHIN = 90.0
RELEASE = {"release": {"command": ["/page", "migrate"]}}


def _deploy(app: Application, page: str, **runtime: object) -> tuple[str, str]:
    """Deploy a first commit to production; return it, and where it opens."""
    sha = commit_page(app, page)
    app.apply(app.project(runtime=runtime))
    return sha, address_of(app, app.wait_until_running("production", sha, within=WITHIN))


def _pods(app: Application, process: str = "web") -> list[Manifest]:
    """Return the pods of a process of production, those too that are on their way out."""
    production = (app.environment("production") or {})["metadata"]
    whose = f"kapsa-project.io/environment={production['name']}"
    return app.list(
        "pods",
        labelSelector=f"{whose},kapsa-project.io/process={process}",
        fieldSelector=f"metadata.namespace={production['namespace']}",
    )


def _commit(pod: Manifest) -> str:
    return str(pod["metadata"]["annotations"]["kapsa-project.io/commit"])


def _ready(app: Application, reason: str, words: str = "") -> str:
    """Wait until production says of itself what is expected; return the message."""

    def look() -> str:
        found = condition(app.environment("production"), "Ready")
        said = str(found.get("message", ""))
        return said if found.get("reason") == reason and words in said else ""

    return wait_for(f"Ready has reason {reason}, with {words!r}", look, WITHIN)


def _log(app: Application, pod: Manifest) -> str:
    metadata = pod["metadata"]
    return app.platform.kubectl("logs", metadata["name"], "-n", metadata["namespace"])


def test_no_request_fails_while_a_commit_takes_the_place_of_another(
    operator: OperatorProcess, app: Application, ca_file: Path
) -> None:
    # Nothing is said of probes: what Kapsa does by itself has to be enough.
    first, address = _deploy(app, "<h1>the first</h1>")
    wait_until_open(address, ca_file)
    (old,) = _pods(app)

    with steady_load(address, ca_file) as load:
        load.go_on()
        second = commit_page(app, "<h1>the second</h1>")
        app.wait_until_running("production", second, within=WITHIN)
        wait_for("the old pod is gone", lambda: old["metadata"]["uid"] not in _uids(app), WITHIN)
        load.go_on()
        rate = load.rate

    assert load.failures == []
    assert set(load.commits) == {first, second}
    assert rate >= 20, f"only {rate:.1f} answers a second"
    page = request("GET", address, ca_file=ca_file)
    assert (page.headers["X-Commit"], b"the second" in page.body) == (second, True)


def _uids(app: Application) -> set[str]:
    return {pod["metadata"]["uid"] for pod in _pods(app)}


def test_a_rollback_brings_the_old_page_back_without_a_failed_request(
    operator: OperatorProcess, app: Application, ca_file: Path
) -> None:
    first, address = _deploy(app, "<h1>the first</h1>")
    second = commit_page(app, "<h1>the second</h1>")
    app.wait_until_running("production", second, within=WITHIN)
    assert wait_until_open(address, ca_file).status == 200

    with steady_load(address, ca_file) as load:
        where = ("-n", app.namespace, "--kubeconfig", str(app.platform.kubeconfig))
        subprocess.run(
            [sys.executable, "-m", "kapsa", "rollback", app.name, "production", "--wait", *where],
            check=True,
            timeout=WITHIN,
        )
        wait_for("only the first answers", lambda: len(_pods(app)) == 1, WITHIN)
        load.go_on()

    assert load.failures == []
    page = request("GET", address, ca_file=ca_file)
    assert (page.headers["X-Commit"], b"the first" in page.body) == (first, True)


def test_a_release_runs_once_and_one_that_fails_keeps_the_old_page(
    operator: OperatorProcess, app: Application, ca_file: Path
) -> None:
    first, address = _deploy(app, "<h1>the first</h1>", **RELEASE)
    (migrated,) = _pods(app, "release")
    assert _log(app, migrated).splitlines() == [f"migrate: to commit {first}", "migrate: done"]

    second = commit_page(app, f"<h1>the second</h1><!-- {BROKEN_MIGRATION} -->")
    said = _ready(app, "ReleaseFailed")

    assert "it ended with exit code 1; its log ends: " in said
    assert f"migrate: to commit {second}" in said
    assert "migrate: failed, since /page.html has the word" in said
    page = wait_until_open(address, ca_file)
    assert (page.headers["X-Commit"], b"the first" in page.body) == (first, True)

    third = commit_page(app, "<h1>the third</h1>")
    app.wait_until_running("production", third, within=WITHIN)
    (of_third,) = (pod for pod in _pods(app, "release") if _commit(pod) == third)
    assert f"migrate: to commit {third}" in _log(app, of_third)
    assert wait_until_open(address, ca_file).status == 200


def test_a_commit_that_crashes_shows_its_last_lines_while_the_old_page_stays(
    operator: OperatorProcess, app: Application, ca_file: Path
) -> None:
    first, address = _deploy(app, "<h1>the first</h1>")
    wait_until_open(address, ca_file)

    with steady_load(address, ca_file) as load:
        second = commit_page(app, "<h1>the second</h1>", command="crash")
        said = _ready(app, "PodsFailing", "CrashLoopBackOff")
        load.go_on()

    assert "process web: container web: CrashLoopBackOff: it ended with exit code 1" in said
    # One line is of its standard output, the other of its standard error: either may come first.
    assert "crash: reading the settings" in said
    assert f"crash: there is no setting DATABASE_URL (commit {second})" in said
    assert (app.environment("production") or {})["status"]["commit"] == first
    assert (load.failures, set(load.commits)) == ([], {first})

    third = commit_page(app, "<h1>the third</h1>")
    app.wait_until_running("production", third, within=WITHIN)
