"""A command line beside a fake cluster."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from click.testing import CliRunner, Result

from kapsa.adapters.cluster import Cluster
from kapsa.cli import make_cli
from kapsa.cli.remote.desk import Desk, Reach
from tests.fakes import FakeCluster


class Terminal:
    """A command line beside a cluster; while a command waits, `meanwhile` happens, a step each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cluster = FakeCluster()
        self.meanwhile: list[Callable[[], object]] = []
        self.managers: list[str] = []
        self.time = 0.0
        monkeypatch.setattr("kapsa.cli.remote.desk.at_kubeconfig", self._at)

    def run(self, *arguments: str) -> Result:
        self.cluster.writes.clear()
        return CliRunner().invoke(make_cli(lambda: None), arguments)

    def _at(self, kubeconfig: str | None, context: str | None, asked: str | None) -> Reach:
        @asynccontextmanager
        async def reach() -> AsyncIterator[Desk]:
            yield Desk(
                self.cluster, self._as_manager, "team-a", asked,
                now=lambda: 1_767_225_600.0, elapsed=lambda: self.time, sleep=self._sleep,
            )  # fmt: skip

        return reach

    def _as_manager(self, manager: str) -> Cluster:
        self.managers.append(manager)
        return self.cluster.as_other_manager()

    async def _sleep(self, seconds: float) -> None:
        self.time += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()
        await asyncio.sleep(0)
