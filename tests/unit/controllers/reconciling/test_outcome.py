"""What a failure means."""

import pytest

from kapsa.adapters.cluster import NotFenced
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.controllers.reconciling.outcome import interpret, retry_after


@pytest.mark.parametrize(
    ("error", "stalled", "seconds"),
    [
        (Waiting("Reconciling", "m", 7.0), False, 7.0),
        (Waiting("Reconciling", "m", 0.0), False, 1.0),
        (Waiting("Reconciling", "m", -5.0), False, 1.0),
        (Waiting("Reconciling", "m", 1e12), False, 3600.0),
        (Stalled("Reconciling", "m"), True, 3600.0),
        (AdapterError("Reconciling", "m"), False, 3600.0),
    ],
    ids=["waiting", "at-once", "in-the-past", "never", "stalled", "neither"],
)
def test_what_a_failure_means(error: AdapterError, stalled: bool, seconds: float) -> None:
    failure = interpret(error)
    assert (failure.blocked.reason, failure.blocked.message) == ("Reconciling", "m")
    assert failure.blocked.stalled is stalled
    assert failure.blocked.retry_after == failure.retry_after == seconds
    assert retry_after(error) == seconds


def test_who_may_not_write_tries_again_soon() -> None:
    assert retry_after(NotFenced("not elected")) == 2.0


def test_what_is_forbidden_is_tried_again_before_the_hour_is_over() -> None:
    failure = interpret(Stalled("ApplyRefused", "the quota is used up", 60.0))
    assert failure.blocked.stalled
    assert failure.retry_after == 60.0
