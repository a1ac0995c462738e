"""An operator that is killed after its writes, and started again."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import lab
from lab.operator import NAMESPACE, SERVICE_ACCOUNT, OperatorProcess
from tests.integration.api_proxy import ApiProxy, proxied, through
from tests.integration.conftest import QUICK

Counts = Callable[[str], bool]
"""Tells whether a write (method and path) counts."""

_POD = {
    # A restarted container is the same pod: it need not wait for its own Lease to end.
    "KAPSA_POD_NAME": "kapsa-operator-0",
    "KAPSA_POD_UID": "6f1c6a0e-0000-4000-8000-000000000000",
}


class Killer:
    """Kills the operator right after every `every`-th write that counts, and starts it again."""

    def __init__(
        self, operator: OperatorProcess, proxy: ApiProxy, every: int, counts: Counts
    ) -> None:
        self.kills = 0
        self._operator = operator
        self._proxy = proxy
        self._every = every
        self._counts = counts
        self._counted = 0
        self._wanted = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._restart, name="killer")
        proxy.on_write = self._count

    def _count(self, number: int) -> None:
        self._counted += self._counts(self._proxy.writes[number - 1])
        if self._every and self._counted == self._every:
            self._counted = 0
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
def killed_operator(
    platform: lab.Platform, every: int, counts: Counts = lambda _: True
) -> Iterator[Killer]:
    """Run an operator that is killed after every `every`-th write that counts; 0 for never."""
    with proxied(platform) as proxy:
        account = platform.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
        operator = OperatorProcess(
            platform, QUICK | _POD, kubeconfig=through(proxy, account), name=f"killed-{every}"
        )
        operator.start()
        try:
            with Killer(operator, proxy, every, counts) as killer:
                yield killer
        finally:
            operator.stop()
