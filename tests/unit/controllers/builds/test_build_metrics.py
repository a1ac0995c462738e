"""What is counted and measured of builds."""

from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from kapsa.controllers.builds.builds import THE_QUEUE
from kapsa.controllers.builds.metrics import BuildMetrics
from kapsa.core.builds.live import BuildState, LiveBuild
from tests.unit.controllers.build_rig import BuildRig

COUNT = "kapsa_builds_total"
SECONDS = "kapsa_build_duration_seconds"
RESULTS = ("succeeded", "failed", "cancelled")

RUNNING = LiveBuild(
    name="shop-1",
    kind="Job",
    uid="uid-1",
    project_uid="uid-of-shop",
    environment="shop-production",
    key="k",
    commit="c",
    attempt=1,
    requested_at="",
    state=BuildState.RUNNING,
    created_at="2026-01-01T00:00:00Z",
)
SUCCEEDED = replace(RUNNING, state=BuildState.SUCCEEDED, ended_at="2026-01-01T00:01:15Z")
FAILED = replace(RUNNING, state=BuildState.FAILED, ended_at="2026-01-01T00:00:20Z")


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Counts:
    """What is counted from now on."""

    def __init__(self, strategy: str = "dockerfile") -> None:
        self._strategy = strategy
        self._before = self._now()

    def _now(self) -> dict[str, float]:
        strategy = self._strategy
        return {
            **{result: value(COUNT, strategy=strategy, result=result) for result in RESULTS},
            "measured": value(f"{SECONDS}_count", strategy=strategy),
            "seconds": value(f"{SECONDS}_sum", strategy=strategy),
            "under 1 min": value(f"{SECONDS}_bucket", strategy=strategy, le="60.0"),
        }

    def since(self) -> dict[str, float]:
        """Return what was counted, without what was not."""
        now = self._now()
        return {
            name: now[name] - self._before[name] for name in now if now[name] != self._before[name]
        }


def gauges() -> tuple[float, float]:
    """Return how many builds run, and how many wait."""
    return value("kapsa_builds_running"), value("kapsa_build_queue_length")


@pytest.mark.parametrize(
    ("ended", "counted"),
    [
        (SUCCEEDED, {"succeeded": 1, "measured": 1, "seconds": 75}),
        (FAILED, {"failed": 1, "measured": 1, "seconds": 20, "under 1 min": 1}),
        (replace(FAILED, ended_at=""), {"failed": 1}),
        (replace(FAILED, ended_at="2025-12-31T23:59:59Z"),
         {"failed": 1, "measured": 1, "under 1 min": 1}),
    ],
    ids=["succeeded", "failed", "nobody knows when", "before it began, by another clock"],
)  # fmt: skip
def test_a_build_is_counted_once_when_it_has_ended(
    ended: LiveBuild, counted: dict[str, float]
) -> None:
    metrics, counts = BuildMetrics(), Counts()
    metrics.observe([RUNNING])
    assert counts.since() == {}
    for _ in range(3):
        metrics.observe([ended])
    assert counts.since() == counted


def test_each_strategy_is_counted_for_itself() -> None:
    metrics, counts, others = BuildMetrics(), Counts("buildpack"), Counts("dockerfile")
    metrics.observe([replace(RUNNING, kind="Build"), replace(RUNNING, kind="Image", uid="uid-2")])
    metrics.observe(
        [replace(SUCCEEDED, kind="Build"), replace(SUCCEEDED, kind="Image", uid="uid-2")]
    )
    assert counts.since() == {"succeeded": 2, "measured": 2, "seconds": 150}
    assert others.since() == {}


def test_what_had_ended_before_the_operator_came_is_not_counted() -> None:
    metrics, counts = BuildMetrics(), Counts()
    metrics.observe([SUCCEEDED])
    metrics.observe([SUCCEEDED])
    assert counts.since() == {}


@pytest.mark.parametrize("then", [(), (RUNNING,), (FAILED,)], ids=["gone", "lingers", "fails"])
def test_what_is_cancelled_is_counted_as_that_and_not_measured(then: tuple[LiveBuild, ...]) -> None:
    metrics, counts = BuildMetrics(), Counts()
    metrics.observe([RUNNING])
    metrics.observe([RUNNING], cancelled={RUNNING.uid})
    assert value("kapsa_builds_running") == 0
    metrics.observe(then, cancelled={build.uid for build in then})
    metrics.observe(then)
    assert counts.since() == {"cancelled": 1}


async def test_the_queue_counts_what_begins_waits_and_ends(rig: BuildRig) -> None:
    counts = Counts()
    await rig.begin()
    assert gauges() == (0, 1)
    await rig.step()
    assert gauges() == (2, 1), "two at a time is a Project's share"
    rig.end(rig.jobs()[0])
    rig.end(rig.jobs()[1], log="it does not compile")
    await rig.step()
    await rig.step()
    assert gauges() == (1, 0)
    assert counts.since() == {
        "succeeded": 1, "failed": 1, "measured": 2, "seconds": 20, "under 1 min": 2
    }  # fmt: skip


async def test_the_queue_counts_what_it_cancels_once(rig: BuildRig) -> None:
    await rig.begin(environments=[])
    await rig.step()
    counts = Counts()
    held: dict[str, Any] = rig.jobs()[0]
    held["metadata"]["finalizers"] = ["example.com/slow"]
    rig.cluster.put(held)
    rig.open()
    await rig.poll()
    for _ in range(3):
        await rig.step()
    assert len(rig.jobs()) == 1, "it takes a while to go"
    assert counts.since() == {"cancelled": 2}
    assert gauges() == (0, 0)


async def test_what_can_not_begin_does_not_wait_for_its_turn(rig: BuildRig) -> None:
    for cache in rig.state.kpack:
        cache.is_served = False
    rig.neighbour("a-stuck-one", build={"strategy": "buildpack"})
    for number in range(5):
        rig.neighbour(f"healthy-{number}")
    for running in (0, 4):
        await rig.builds.reconcile(THE_QUEUE)
        assert gauges() == (running, 1)
