"""How soon the cluster follows the repository."""

from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest

POLL_INTERVAL = 5.0


def _project(app: Application) -> Manifest:
    project = app.project()
    project["spec"]["repository"]["pollInterval"] = f"{POLL_INTERVAL:.0f}s"
    return project


def test_a_commit_runs_within_the_poll_interval_and_five_seconds(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.apply(_project(app))
    app.wait_until_running("production", app.commit("main"))
    for _ in range(2):
        sha = app.commit("main")
        environment = app.wait_until_running("production", sha, within=POLL_INTERVAL + 5)
        digest = app.push_image(sha)
        image = f"{app.registry.host}/{app.image_repository}@{digest}"
        assert environment["status"]["image"] == image
        meta = environment["metadata"]
        deployment = app.get("deployment", meta["name"], meta["namespace"]) or {}
        assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == image
        assert deployment["status"]["updatedReplicas"] == 1


def test_the_objects_of_a_closed_pull_request_are_gone_within_the_poll_interval_and_ten_seconds(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    heads = {name: app.commit(name) for name in ("one", "two")}
    numbers = {name: app.open_pull_request(name) for name in heads}
    app.apply(_project(app))
    for name, sha in heads.items():
        app.wait_until_running(f"pr-{numbers[name]}", sha)
    # The last one to go leaves an empty list, which is looked at twice.
    for number in numbers.values():
        app.close_pull_request(number)
        app.wait_until_gone(f"pr-{number}", within=POLL_INTERVAL + 10)
