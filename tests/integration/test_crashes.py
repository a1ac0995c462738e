"""Killed after any write and started again, the operator reaches the same end as undisturbed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import lab
from lab.operator import NAMESPACE, SERVICE_ACCOUNT, OperatorProcess
from lab.scenario import Application, wait_for
from tests.integration.api_proxy import ApiProxy, proxied, through
from tests.integration.conftest import QUICK
from tests.integration.snapshot import differences, snapshot

_POD = {
    # A restarted container is the same pod: it need not wait for its own Lease to end.
    "KAPSA_POD_NAME": "kapsa-operator-0",
    "KAPSA_POD_UID": "6f1c6a0e-0000-4000-8000-000000000000",
}

_OBJECTS = 13
"""Project, namespace, two Environments with three objects each, and three claims."""


class _Killer:
    """Kills the operator right after every `every`-th write, and starts it again."""

    def __init__(self, operator: OperatorProcess, proxy: ApiProxy, every: int) -> None:
        self.kills = 0
        self._operator = operator
        self._every = every
        self._wanted = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._restart, name="killer")
        proxy.on_write = self._count

    def _count(self, number: int) -> None:
        if self._every and number % self._every == 0:
            # Before the answer reaches the operator: the write is done, and it does not know it.
            self._operator.signal_kill()
            self._wanted.set()

    def _restart(self) -> None:
        while not self._done.is_set():
            if self._wanted.wait(0.05):
                self._wanted.clear()
                self.kills += 1
                self._operator.kill()
                self._operator.start(wait=False)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


@contextmanager
def _operator(platform: lab.Platform, every: int) -> Iterator[_Killer]:
    with proxied(platform) as proxy:
        account = platform.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
        operator = OperatorProcess(
            platform, QUICK | _POD, kubeconfig=through(proxy, account), name=f"killed-{every}"
        )
        operator.start()
        try:
            with _Killer(operator, proxy, every) as killer:
                yield killer
        finally:
            operator.stop()


def _story(app: Application) -> dict[str, Any]:
    """Tell the story of a Project, and return where it ends."""
    main = app.commit("main")
    login, search = app.commit("feature/login"), app.commit("feature/search")
    app.apply(app.project())
    app.wait_until_running("production", main, within=90)
    first = app.open_pull_request("feature/login")
    second = app.open_pull_request("feature/search")
    app.wait_until_running(f"pr-{first}", login, within=90)
    app.wait_until_running(f"pr-{second}", search, within=90)
    newer = app.commit("feature/login")
    app.wait_until_running(f"pr-{first}", newer, within=90)
    app.close_pull_request(second)
    app.wait_until_gone(f"pr-{second}", within=90)
    wait_for("the claim of the closed one is released", lambda: len(_claims(app)) == 3, within=60)
    names = {main: "<main>", newer: "<newer>"}
    for sha, name in list(names.items()):
        digest = lab.image_digest(app.registry, app.image_repository, sha)
        assert digest is not None
        names[digest] = f"{name} image"
    wait_for("the Project has seen it all", lambda: _is_settled(app, main, newer), within=60)
    return snapshot(app, names)


def _claims(app: Application) -> list[Any]:
    return app.list("leases", labelSelector="kapsa-project.io/claim")


def _is_settled(app: Application, main: str, newer: str) -> bool:
    status = (app.get("project", app.name) or {}).get("status", {})
    return (
        [item.get("ready") for item in status.get("environments", [])] == [True, True]
        and [item["sha"] for item in status.get("candidates", [])] == [newer]
        and status.get("latestCommit", {}).get("sha") == main
    )


def _remove(app: Application) -> None:
    app.platform.kubectl("delete", "namespace", app.namespace, "--wait=true")
    wait_for("all claims are released", lambda: not _claims(app), within=60)


def test_an_operator_killed_after_every_fifth_write_ends_where_an_undisturbed_one_does(
    admin: lab.Platform, new_application: Callable[..., Application]
) -> None:
    with _operator(admin, every=0):
        undisturbed = new_application()
        wait_for("earlier tests' claims are released", lambda: not _claims(undisturbed), within=60)
        expected = _story(undisturbed)
        _remove(undisturbed)
    with _operator(admin, every=5) as killer:
        disturbed = new_application()
        found = _story(disturbed)
    assert killer.kills >= 5
    assert len(expected) == _OBJECTS
    assert differences(found, expected) == []
