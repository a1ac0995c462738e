"""The queue of builds: what begins, what is cancelled, what is forgotten."""

from itertools import product
from typing import Any

import pytest

from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.orders import Origin
from kapsa.core.builds.queue import Interest, QueueDecision, QueueInput, decide_queue
from kapsa.core.builds.wants import Want
from kapsa.utils.times import to_rfc3339

NOW = 10_000.0


def want(key: str, project: str = "a", **fields: Any) -> Want:
    environment = fields.pop("environment", f"{project}-{key}")
    return Want(
        **{
            "origin": Origin("team", project, project, environment),
            "key": key,
            "commit": "c",
            "image": f"r/{project}:kapsa-{key}",
            "is_preview": True,
            **fields,
        }
    )


def live(
    key: str, state: str = "Running", project: str = "a", ended: float = NOW, **fields: Any
) -> LiveBuild:
    return LiveBuild(
        **{
            "name": f"{project}-{key}",
            "kind": "Job",
            "uid": f"uid-{project}-{key}-{fields.get('attempt', 1)}",
            "project_uid": project,
            "environment": f"{project}-{key}",
            "key": key,
            "commit": "c",
            "attempt": 1,
            "requested_at": "",
            "state": BuildState(state),
            "ended_at": "" if state == "Running" else to_rfc3339(ended),
            **fields,
        }
    )


def interest(*wants: Want, keys: str = "", environments: tuple[str, ...] = ()) -> Interest:
    return Interest(wants, frozenset(keys.split()), frozenset(environments))


def decide(
    interests: dict[str, Interest], builds: tuple[LiveBuild, ...] = (), **fields: Any
) -> QueueDecision:
    return decide_queue(
        QueueInput(
            **{
                "interests": interests,
                "gone": frozenset(),
                "live": builds,
                "most": 4,
                "most_per_project": 2,
                "retention": 3600.0,
                "now": NOW,
                **fields,
            }
        )
    )


def keys(wants: tuple[Want, ...]) -> list[str]:
    return [item.key for item in wants]


def test_what_is_wanted_begins() -> None:
    assert keys(decide({"a": interest(want("k"))}).start) == ["k"]


def test_permanent_environments_begin_before_previews_whatever_their_project() -> None:
    decision = decide(
        {
            "a": interest(want("old", since="2026-01-01T00:00:00Z")),
            "b": interest(want("production", "b", is_preview=False)),
        },
        most=1,
    )
    assert keys(decision.start) == ["production"]
    assert keys(decision.waiting) == ["old"]


def test_no_more_begin_than_may_run_at_a_time() -> None:
    wants = {name: interest(want("1", name), want("2", name)) for name in "abc"}
    decision = decide(wants, (live("x", project="d"),))
    assert len(decision.start) == 3
    assert len(decision.waiting) == 3


def test_a_project_has_no_more_than_its_share() -> None:
    decision = decide({"a": interest(*map(want, "123")), "b": interest(want("1", "b"))})
    assert [(item.origin.project, item.key) for item in decision.start] == [
        ("a", "1"),
        ("a", "2"),
        ("b", "1"),
    ]


def test_a_build_that_nothing_runs_takes_no_place_for_ever() -> None:
    stuck = live("x", created_at=to_rfc3339(NOW - 1000), timeout=600)
    slow = live("y", created_at=to_rfc3339(NOW - 500), timeout=600)
    decision = decide({"a": interest(*map(want, "12"), keys="x y")}, (stuck, slow))
    assert keys(decision.start) == ["1"]
    assert decision.look_again == 160
    assert decision.cancel == ()


def test_two_environments_that_want_the_same_have_one_build_in_the_first_place_of_both() -> None:
    decision = decide(
        {
            "a": interest(
                want("k", environment="preview"),
                want("k", environment="production", is_preview=False),
            )
        }
    )
    assert [item.origin.environment for item in decision.start] == ["production"]


def test_what_is_being_built_does_not_begin_again() -> None:
    decision = decide({"a": interest(want("k"), keys="k")}, (live("k"),))
    assert (decision.start, decision.waiting, decision.cancel) == ((), (), ())


def test_the_same_source_of_two_projects_is_built_for_each() -> None:
    decision = decide({"a": interest(want("k")), "b": interest(want("k", "b"))}, (live("k"),))
    assert [item.origin.project for item in decision.start] == ["b"]


def test_what_failed_for_an_outage_waits_for_its_time() -> None:
    decision = decide({"a": interest(want("k", not_before=NOW + 30))})
    assert decision.start == ()
    assert keys(decision.waiting) == ["k"]
    assert decision.look_again == pytest.approx(30.0)


def test_a_build_of_a_pull_request_that_is_closed_is_cancelled() -> None:
    build = live("k", environment="pr-1")
    assert decide({"a": interest(environments=("pr-2",))}, (build,)).cancel == (build,)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (interest(environments=("pr-1",)), "its environment has a newer commit"),
        (interest(keys="k"), "another environment runs the same"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_build_goes_on_as_long_as_somebody_waits_for_it(said: Interest, why: str) -> None:
    assert decide({"a": said}, (live("k", environment="pr-1"),)).cancel == (), why


def test_nothing_is_cancelled_of_a_project_that_was_not_looked_at_yet() -> None:
    assert decide({}, (live("k"), live("l", "Failed"))) == QueueDecision()


def test_the_place_of_what_is_cancelled_is_free_at_once() -> None:
    decision = decide({"a": interest(want("k"))}, (live("x"), live("y")))
    assert len(decision.cancel) == 2
    assert keys(decision.start) == ["k"]


def test_the_place_of_what_could_not_be_cancelled_is_not_free() -> None:
    stays, goes = live("x"), live("y")
    decision = decide(
        {"a": interest(*map(want, "12"))}, (stays, goes), undeleted=frozenset({stays.uid})
    )
    assert decision.cancel == (stays, goes)
    assert (keys(decision.start), keys(decision.waiting)) == (["1"], ["2"])


def test_unless_it_should_have_ended_long_ago() -> None:
    stuck = live("x", created_at=to_rfc3339(NOW - 1000), timeout=600)
    decision = decide({"a": interest(*map(want, "12"))}, (stuck,), undeleted=frozenset({stuck.uid}))
    assert keys(decision.start) == ["1", "2"]


def test_what_is_passed_over_neither_begins_nor_waits_nor_takes_a_place() -> None:
    wants = {"a": interest(*map(want, "1234")), "b": interest(want("1", "b"))}
    decision = decide(wants, passed_over=frozenset({("a", "1"), ("a", "3")}), most=2)
    assert [item.identity for item in decision.start] == [("a", "2"), ("a", "4")]
    assert [item.identity for item in decision.waiting] == [("b", "1")]


def test_passing_over_one_build_keeps_no_other_from_beginning() -> None:
    interests = {
        "a": interest(*map(want, "123")),
        "b": interest(want("1", "b"), want("2", "b", is_preview=False)),
        "c": interest(want("1", "c")),
    }
    for most, share in product(range(1, 6), range(1, 4)):
        limits: dict[str, Any] = {"most": most, "most_per_project": share}
        before = decide(interests, **limits).start
        for gone in before:
            after = decide(interests, passed_over=frozenset({gone.identity}), **limits).start
            assert set(before) - {gone} <= set(after)


def test_of_a_project_that_is_gone_nothing_stays() -> None:
    builds = (live("1"), live("2", "Failed"), live("3", "Succeeded"))
    decision = decide({}, builds, gone=frozenset("a"))
    assert decision.cancel == builds[:1]
    assert decision.forget == builds[1:]


def test_a_failure_is_remembered_as_long_as_an_environment_is_to_run_that() -> None:
    build = live("k", "Failed", ended=0.0)
    assert decide({"a": interest(keys="k")}, (build,)).forget == ()
    assert decide({"a": interest(keys="l")}, (build,)).forget == (build,)


def test_a_failure_that_was_overcome_is_forgotten() -> None:
    failure, success = live("k", "Failed"), live("k", "Succeeded", attempt=2)
    assert decide({"a": interest(keys="k")}, (failure, success)).forget == (failure,)


def test_a_success_is_kept_for_a_while() -> None:
    fresh, old = live("1", "Succeeded", ended=NOW - 600), live("2", "Succeeded", ended=NOW - 3600)
    decision = decide({"a": interest(keys="1 2")}, (fresh, old))
    assert decision.forget == (old,)
    assert decision.look_again == pytest.approx(3000.0)
