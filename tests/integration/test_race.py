"""A hundred Environments want one host, and two operators, killed at random, give it to them."""

import json
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import lab
from lab.operator import NAMESPACE, SERVICE_ACCOUNT, OperatorProcess
from lab.scenario import Application, Manifest, condition, lone_environment, wait_for
from tests.integration.api_proxy import proxied, through
from tests.integration.conftest import QUICK

_MANY = 100
_HANDOVERS = 4
_SEED = 20
_WITHIN = 60.0


@dataclass
class _Killer:
    """Kills one of the operators every now and then, and starts it again."""

    operators: tuple[OperatorProcess, ...]
    kills: int = 0
    _chance: random.Random = field(default_factory=lambda: random.Random(_SEED))
    _done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._done.wait(self._chance.uniform(0.1, 2.0)):
            victim = self._chance.choice(self.operators)
            victim.kill()
            victim.start(wait=False)
            self.kills += 1
            # On a busy machine they would else never get to anything.
            while not victim.is_ready and not self._done.wait(0.1):
                pass

    @contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run, name="killer")
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()


@contextmanager
def _two_operators(platform: lab.Platform) -> Iterator[tuple[OperatorProcess, ...]]:
    """Run two operators that each believe that they are the active one."""
    account = platform.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
    with ExitStack() as stack:
        proxy = stack.enter_context(proxied(platform))
        proxy.election = "kapsa-operator-by-mistake"
        started = []
        for number, kubeconfig in enumerate((account, through(proxy, account))):
            # A restarted container is the same pod: it need not wait for its own Lease to end.
            pod = {"KAPSA_POD_NAME": f"racer-{number}", "KAPSA_POD_UID": f"uid-{number}"}
            operator = OperatorProcess(
                platform, QUICK | pod, kubeconfig=kubeconfig, name=f"racer-{number}"
            )
            operator.start()
            stack.callback(operator.stop)
            started.append(operator)
        yield tuple(started)


@contextmanager
def _watched_routes(platform: lab.Platform) -> Iterator[list[set[str]]]:
    """Yield a list that has, at the end, who led the host after each change of any Ingress."""
    address = f"{platform.api_server.url}/apis/networking.k8s.io/v1/ingresses?watch=1"
    arguments = ["get", "--raw", address.removeprefix(platform.api_server.url)]
    history: list[set[str]] = []
    with subprocess.Popen(
        [platform.kubectl_binary, f"--kubeconfig={platform.kubeconfig}", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    ) as watch:
        reader = threading.Thread(target=_follow, args=(watch, history), name="routes")
        reader.start()
        try:
            yield history
        finally:
            # What happened a moment ago is on its way.
            time.sleep(0.5)
            watch.terminate()
            reader.join()


def _follow(watch: "subprocess.Popen[str]", history: list[set[str]]) -> None:
    led: dict[str, str] = {}
    assert watch.stdout is not None
    for line in watch.stdout:
        event: dict[str, Any] = json.loads(line)
        route = event["object"]
        if event["type"] == "DELETED":
            led.pop(route["metadata"]["uid"], None)
        else:
            rules = route["spec"].get("rules") or ()
            if any(rule.get("host", "").startswith("race.") for rule in rules):
                led[route["metadata"]["uid"]] = route["metadata"]["name"]
            else:
                led.pop(route["metadata"]["uid"], None)
        history.append(set(led.values()))


def _environments(app: Application, host: str, pool: str) -> list[Manifest]:
    image = f"{app.registry.host}/{app.image_repository}:v1"
    return [
        lone_environment(
            f"racer-{number:02}",
            app.namespace,
            image=image,
            domain={"domainPoolRef": {"name": pool}},
            ingress={"host": host},
        )
        for number in range(_MANY)
    ]


def _holder(app: Application, host: str) -> str:
    """Return the name of the only Environment that holds and routes the host, or nothing."""
    led = [
        item["metadata"]["name"]
        for item in app.list("ingresses")
        if item["metadata"]["namespace"] == app.namespace
        and [rule["host"] for rule in item["spec"]["rules"]] == [host]
    ]
    claimed = [
        item["metadata"]["annotations"]["kapsa-project.io/owner"].rpartition("/")[2]
        for item in app.list("leases", labelSelector="kapsa-project.io/claim=host")
        if item["metadata"]["annotations"]["kapsa-project.io/host"] == host
    ]
    return led[0] if len(led) == 1 and led == claimed else ""


def _losers_name(app: Application, holder: str) -> bool:
    """Tell whether all but the holder say that the host is taken, and by whom."""
    told = {
        item["metadata"]["name"]: condition(item, "HostAllocated")
        for item in app.list("environments")
        if item["metadata"]["namespace"] == app.namespace
    }
    who = f"Environment/{app.namespace}/{holder};"
    return told.pop(holder, {}).get("status") == "True" and all(
        said.get("reason") == "HostTaken" and who in said["message"] for said in told.values()
    )


def test_of_a_hundred_that_want_one_host_one_has_it_at_every_instant(
    admin: lab.Platform, app: Application
) -> None:
    host, pool = f"race.{app.namespace}.test", f"race-{app.namespace}"
    app.push_image("v1")
    app.apply(
        {
            "apiVersion": "kapsa-project.io/v1alpha1",
            "kind": "DomainPool",
            "metadata": {"name": pool},
            "spec": {"baseDomains": [f"{pool}.localhost"]},
        }
    )
    winners = []
    with _watched_routes(admin) as history, _two_operators(admin) as operators:
        killer = _Killer(operators)
        with killer.at_work():
            app.apply(*_environments(app, host, pool))
            for _ in range(_HANDOVERS):
                winners.append(wait_for("one has it", lambda: _holder(app, host), _WITHIN))
                app.delete("environment", winners[-1])

                def another() -> str:
                    found = _holder(app, host)
                    return found if found != winners[-1] else ""

                wait_for("the next one has it", another, _WITHIN)
            wait_for("operators die", lambda: killer.kills >= _HANDOVERS, _WITHIN)
        last = wait_for("one has it", lambda: _holder(app, host), _WITHIN)
        wait_for("the others name it", lambda: _losers_name(app, last), _WITHIN)
    app.delete("domainpool", pool)
    assert len({*winners, last}) == _HANDOVERS + 1
    assert [led for led in history if len(led) > 1] == []
    assert max(map(len, history)) == 1
