"""Branches and pull requests of a real repository become running Environments."""

from lab.operator import OperatorProcess
from lab.scenario import Application, condition, wait_for


def test_a_pull_request_gets_an_environment_and_loses_it_when_it_is_closed(
    operator: OperatorProcess, app: Application
) -> None:
    main = app.commit("main")
    head = app.commit("feature/login")
    app.apply(app.project())

    production = app.wait_until_running("production", main)
    assert production["status"]["url"] == "http://shop.apps.localhost"

    number = app.open_pull_request("feature/login")
    preview = app.wait_until_running(f"pr-{number}", head)
    assert preview["status"]["url"] == f"http://pr-{number}-shop.apps.localhost"

    app.close_pull_request(number)
    app.wait_until_gone(f"pr-{number}")
    assert app.environment("production") is not None


def test_an_environment_waits_for_its_image_and_says_which(
    operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main", image=False)
    app.apply(app.project())

    def says_so() -> bool:
        found = app.environment("production") or {}
        status = found.get("status") or {}
        conditions = {item["type"]: item for item in status.get("conditions") or []}
        ready = conditions.get("ImageReady", {})
        return status.get("phase") == "Building" and ready.get("reason") == "ImageNotFound"

    wait_for("the Environment says that its image is missing", says_so)
    app.push_image(sha)
    app.wait_until_running("production", sha)


def test_what_runs_follows_its_settings_while_the_next_image_is_missing(
    operator: OperatorProcess, app: Application
) -> None:
    first = app.commit("main")
    app.apply(app.project())
    production = app.wait_until_running("production", first)
    name, namespace = production["metadata"]["name"], production["metadata"]["namespace"]
    app.commit("main", image=False)
    wait_for(
        "the image of the second commit is missing",
        lambda: (
            condition(app.environment("production"), "ImageReady").get("reason") == "ImageNotFound"
        ),
    )

    app.apply(app.project(runtime={"replicas": 3}))
    wait_for("it is scaled", lambda: _replicas(app, name, namespace) == 3)
    app.platform.kubectl("delete", f"deployment/{name}", "-n", namespace)
    wait_for("it is back", lambda: _replicas(app, name, namespace) == 3)

    after = app.get("deployment", name, namespace) or {}
    assert after["metadata"]["annotations"]["kapsa-project.io/commit"] == first
    image = after["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == production["status"]["image"]


def _replicas(app: Application, name: str, namespace: str) -> int:
    found = app.get("deployment", name, namespace) or {"spec": {}}
    return int(found["spec"].get("replicas", 0))
