"""What vanished while a watch was silent is noticed all the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import lab
from lab.operator import NAMESPACE, SERVICE_ACCOUNT, OperatorProcess
from lab.scenario import Application, Manifest, wait_for
from tests.integration.api_proxy import ApiProxy, proxied, through
from tests.integration.conftest import QUICK


@contextmanager
def _operator(platform: lab.Platform, **settings: str) -> Iterator[ApiProxy]:
    with proxied(platform) as proxy:
        account = platform.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
        operator = OperatorProcess(
            platform, QUICK | settings, kubeconfig=through(proxy, account), name="proxied"
        )
        operator.start()
        try:
            yield proxy
        finally:
            operator.stop()


def _two_environments(app: Application) -> tuple[Manifest, Manifest]:
    """Return the only Environment of the Project, and the Deployment of a lone one."""
    sha = app.commit("main")
    app.apply(app.project())
    environment = app.wait_until_running("production", sha)
    app.apply(
        {
            "apiVersion": "kapsa-project.io/v1alpha1",
            "kind": "Environment",
            "metadata": {"name": "alone", "namespace": app.namespace},
            "spec": {"image": f"{app.registry.host}/{app.image_repository}:{sha}"},
        }
    )
    deployment = wait_for(
        "the lone Environment has a Deployment",
        lambda: app.get("deployment", "alone"),
    )
    return environment, deployment


def _delete_both(app: Application, environment: Manifest, deployment: Manifest) -> None:
    app.platform.kubectl(
        "delete",
        "environment",
        environment["metadata"]["name"],
        "-n",
        environment["metadata"]["namespace"],
        "--wait=true",
    )
    app.platform.kubectl(
        "delete", "deployment", "alone", "-n", deployment["metadata"]["namespace"], "--wait=true"
    )


def _wait_until_both_are_back(
    app: Application, environment: Manifest, deployment: Manifest, within: float
) -> None:
    def another(kind: str, before: Manifest) -> Callable[[], bool]:
        meta = before["metadata"]

        def look() -> bool:
            now = app.get(kind, meta["name"], meta["namespace"])
            return now is not None and now["metadata"]["uid"] != meta["uid"]

        return look

    wait_for("the Environment is back", another("environment", environment), within)
    wait_for("the Deployment is back", another("deployment", deployment), within)


def test_a_silent_watch_is_made_up_for_by_the_caches_own_list(
    admin: lab.Platform, app: Application
) -> None:
    with _operator(admin, KAPSA_SWEEP_INTERVAL="5") as proxy:
        environment, deployment = _two_environments(app)
        proxy.withhold("environments", "deployments")
        _delete_both(app, environment, deployment)
        _wait_until_both_are_back(app, environment, deployment, within=20)


def test_what_vanished_during_a_watch_that_ends_with_410_is_noticed_at_once(
    admin: lab.Platform, app: Application
) -> None:
    with _operator(admin, KAPSA_SWEEP_INTERVAL="3600") as proxy:
        environment, deployment = _two_environments(app)
        proxy.withhold("environments", "deployments")
        _delete_both(app, environment, deployment)
        writes = len(proxy.writes)
        proxy.cut("environments", "deployments")
        _wait_until_both_are_back(app, environment, deployment, within=30)
        assert len(proxy.writes) > writes
