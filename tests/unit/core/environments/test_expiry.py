"""How long an Environment lives."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapsa.core.environments.expiry import Lifetime, expired_for, lifetime
from kapsa.models import Environment
from kapsa.models.reasons import Reason
from kapsa.utils.times import from_rfc3339, to_rfc3339
from tests.builders import CREATED, condition, environment, project, sha

BIRTH = from_rfc3339(CREATED) or 0.0
DAY = 86_400.0
OLD, NEW = sha("old"), sha("new")
SHOP = project("shop", previewEnvironments={"ttl": "7d", "maxLifetime": "30d"})
GONE = condition("Expired", reason="TtlExpired")
WORN = condition("Expired", reason="MaxLifetimeReached")


def day(count: float) -> str:
    """Return the time so many days after the builders' objects were created."""
    return to_rfc3339(BIRTH + count * DAY)


def remembered(activity: float = 0, since: float = 0, **more: Any) -> dict[str, Any]:
    """Return a status whose last activity was on one day, and whose life began on another."""
    return {
        "observedGeneration": 1,
        "lastActivityAt": day(activity),
        "lastActivityOf": OLD,
        "activeSince": day(since),
    } | more


def preview(status: dict[str, Any] | None = None, **changes: Any) -> Environment:
    """Return a preview with a `ttl` of a week; names below Kapsa's domain become annotations."""
    marks = {
        f"kapsa-project.io/{name}": changes.pop(key)
        for key, name in (
            ("pin", "pin"),
            ("extended", "extended-until"),
            ("asked", "requestedAt"),
        )
        if key in changes
    }
    spec = {"of": SHOP, "ttl": "7d", "commit": OLD} | changes
    return environment("web", metadata={"annotations": marks}, status=status, **spec)


def on(count: float, item: Environment, **more: Any) -> Lifetime:
    """Return the life of an Environment of the Project on some day."""
    return lifetime(item, SHOP, BIRTH + count * DAY, **more)


def days(seconds: float | None) -> float | None:
    """Return on which day a time is."""
    return None if seconds is None else (seconds - BIRTH) / DAY


@pytest.mark.parametrize(
    ("item", "expires"),
    [
        pytest.param(preview(), 7, id="its-ttl-counts-from-its-creation"),
        pytest.param(preview(remembered(4)), 11, id="and-from-its-last-activity"),
        pytest.param(preview(remembered(), ttl=3600), 1 / 24, id="seconds-are-a-duration-too"),
        pytest.param(preview(remembered(), ttl=None), None, id="without-ttl-it-stays"),
        pytest.param(preview(remembered(), type="permanent"), None, id="a-permanent-one-stays"),
        pytest.param(preview(remembered(), pin="true"), None, id="a-pinned-one-stays"),
        pytest.param(preview(remembered(), pin="yes"), 7, id="only-true-is-a-pin"),
        pytest.param(preview(remembered(), extended=day(12)), 12, id="an-extension-counts"),
        pytest.param(preview(remembered(4), extended=day(8)), 11, id="a-short-extension-does-not"),
        pytest.param(preview(remembered(), extended=day(99)), 30, id="nor-beyond-max-lifetime"),
        pytest.param(preview(remembered(28)), 30, id="max-lifetime-ends-what-is-active"),
        pytest.param(preview(remembered(28, 25)), 35, id="it-counts-from-the-last-return"),
        pytest.param(preview(remembered(), ttl="60d"), 30, id="it-ends-a-longer-ttl"),
        pytest.param(preview(remembered(), extended="soon"), 7, id="nonsense-extends-nothing"),
        pytest.param(preview({"observedGeneration": 1}), 8, id="an-upgrade-starts-the-clock"),
        pytest.param(preview(remembered(lastActivityAt="?")), 8, id="so-does-a-broken-status"),
        pytest.param(preview(remembered(), commit=NEW), 8, id="a-new-commit"),
        pytest.param(preview(remembered(), commit=None), 7, id="one-taken-away-is-no-activity"),
    ],
)
def test_when_it_expires(item: Environment, expires: float | None) -> None:
    assert days(on(1, item).expires_at) == expires


@pytest.mark.parametrize(
    ("today", "item", "reason"),
    [
        pytest.param(6.9, preview(remembered()), None, id="not-before-its-time"),
        pytest.param(7, preview(remembered()), Reason.TTL_EXPIRED, id="but-then"),
        pytest.param(
            30, preview(remembered(29)), Reason.MAX_LIFETIME_REACHED, id="or-for-its-max-lifetime"
        ),
        pytest.param(8, preview(remembered(), commit=NEW), None, id="a-commit-brings-it-back"),
        pytest.param(
            31,
            preview(remembered(29, lastActivityOf=OLD), commit=NEW),
            None,
            id="even-from-its-max-lifetime",
        ),
        pytest.param(8, preview(remembered(), extended=day(9)), None, id="an-extension-does"),
        pytest.param(
            9, preview(remembered(), extended=day(9)), Reason.TTL_EXPIRED, id="until-it-ends"
        ),
        pytest.param(
            31,
            preview(remembered(29), extended=day(40)),
            Reason.MAX_LIFETIME_REACHED,
            id="but-not-from-its-max-lifetime",
        ),
        pytest.param(31, preview(remembered(29), pin="true"), None, id="a-pin-does"),
        pytest.param(8, preview(remembered(), asked="now"), None, id="a-request-does"),
        pytest.param(
            8,
            preview(remembered(lastHandledRequestedAt="now"), asked="now"),
            Reason.TTL_EXPIRED,
            id="but-only-once",
        ),
    ],
)
def test_whether_it_has_expired(today: float, item: Environment, reason: Reason | None) -> None:
    expired = on(today, item).expired

    assert (expired.reason if expired else None) == reason


@pytest.mark.parametrize(
    ("today", "item", "activity", "since"),
    [
        pytest.param(3, preview(), 0, 0, id="a-new-one-begins-at-its-creation"),
        pytest.param(3, preview({"observedGeneration": 1}), 3, 3, id="an-older-one-when-seen"),
        pytest.param(3, preview(remembered(1)), 1, 0, id="then-nothing-moves"),
        pytest.param(3, preview(remembered(1), commit=NEW), 3, 0, id="a-commit-is-activity"),
        pytest.param(9, preview(remembered(1), commit=NEW), 9, 9, id="after-the-end-a-new-life"),
        pytest.param(9, preview(remembered(1), asked="now"), 9, 9, id="as-is-a-request"),
        pytest.param(3, preview(remembered(1), asked="now"), 1, 0, id="which-is-none-before"),
        pytest.param(9, preview(remembered(1), extended=day(10)), 1, 0, id="nor-is-an-extension"),
        pytest.param(9, preview(remembered(1), pin="true", commit=NEW), 9, 0, id="nor-a-pin"),
        pytest.param(
            9, preview(remembered(1), suspend=True, commit=NEW), 9, 9, id="a-commit-while-suspended"
        ),
    ],
)
def test_what_is_remembered(today: float, item: Environment, activity: float, since: float) -> None:
    life = on(today, item, held=item.spec.suspend)

    assert (days(life.last_activity_at), days(life.active_since)) == (activity, since)
    assert life.last_activity_of == item.spec.commit


def test_one_that_stands_alone_goes_by_its_image_where_it_has_no_commit() -> None:
    before = remembered(lastActivityOf="shop:1")
    same, other = (environment("web", ttl="7d", image=image, status=before)
                   for image in ("shop:1", "shop:2"))  # fmt: skip

    assert days(lifetime(same, None, BIRTH + DAY).expires_at) == 7
    assert days(lifetime(other, None, BIRTH + DAY).expires_at) == 8


def test_one_that_stands_alone_has_no_max_lifetime() -> None:
    item = preview(remembered(), extended=day(999))

    assert days(lifetime(item, None, BIRTH + DAY).expires_at) == 999


def test_an_extension_until_the_end_of_time_can_be_written() -> None:
    item = preview(remembered(), extended="9999-12-31T23:59:59-12:00")

    end = lifetime(item, None, BIRTH).expires_at

    assert end is not None
    assert to_rfc3339(end) == "9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    ("conditions", "expired"),
    [
        pytest.param([], False, id="it-does-not-expire-while-nothing-may-be-done-to-it"),
        pytest.param([GONE], True, id="what-had-expired-before-stays-so"),
    ],
)
def test_held(conditions: list[dict[str, Any]], expired: bool) -> None:
    item = preview(remembered(conditions=conditions))

    assert (on(8, item, held=True).expired is not None) == expired


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        pytest.param(preview(extended=day(9)), False, id="none-for-a-time"),
        pytest.param(preview(extended="2026-01-09"), True, id="a-day-is-no-time"),
        pytest.param(preview(extended="2026-01-09T00:00:00"), True, id="nor-is-one-without-zone"),
        pytest.param(preview(extended=""), True, id="nor-is-nothing"),
        pytest.param(preview(extended="soon", ttl=None), False, id="without-ttl-it-is-no-matter"),
    ],
)  # fmt: skip
def test_an_extension_that_is_no_time_is_told(item: Environment, problem: bool) -> None:
    assert ("extended-until is ignored" in on(1, item).problem) == problem


@pytest.mark.parametrize(
    ("today", "item", "said"),
    [
        pytest.param(
            8,
            preview(remembered()),
            "expired at 2026-01-08T00:00:00Z: its ttl of 1w, or its extension, has run out; to"
            " bring it back, push a commit, or annotate it with kapsa-project.io/requestedAt=<now>"
            " or kapsa-project.io/extended-until=<time> or kapsa-project.io/pin=true",
            id="after-its-ttl",
        ),
        pytest.param(
            31,
            preview(remembered(29)),
            "expired at 2026-01-31T00:00:00Z: it has lived for its Project's maxLifetime of 4w2d;"
            " to bring it back, push a commit, or annotate it with"
            " kapsa-project.io/requestedAt=<now> or kapsa-project.io/pin=true",
            id="after-its-max-lifetime",
        ),
        pytest.param(
            8,
            preview(remembered(), extended="soon"),
            "expired at 2026-01-08T00:00:00Z: its ttl of 1w, or its extension, has run out; to"
            " bring it back, push a commit, or annotate it with kapsa-project.io/requestedAt=<now>"
            " or kapsa-project.io/extended-until=<time> or kapsa-project.io/pin=true; annotation"
            " kapsa-project.io/extended-until is ignored: 'soon' is no time in RFC 3339, such as"
            " 2026-01-31T18:00:00Z",
            id="after-an-extension-that-was-none",
        ),
    ],
)
def test_an_expired_one_says_what_brings_it_back(
    today: float, item: Environment, said: str
) -> None:
    expired = on(today, item).expired

    assert expired is not None
    assert expired.message == said


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        pytest.param(preview(remembered()), None, id="one-that-lives"),
        pytest.param(preview(remembered(conditions=[GONE])), Reason.TTL_EXPIRED, id="an-old-one"),
        pytest.param(
            preview(remembered(conditions=[WORN])), Reason.MAX_LIFETIME_REACHED, id="a-very-old-one"
        ),
        pytest.param(
            preview(remembered(conditions=[GONE]), commit=NEW), None, id="one-with-a-new-commit"
        ),
        pytest.param(
            preview(remembered(conditions=[condition("Expired", "False", "ExtensionInvalid")])),
            None,
            id="one-with-an-extension-that-is-none",
        ),
    ],
)
def test_what_its_status_says_of_it(item: Environment, reason: Reason | None) -> None:
    assert expired_for(item) == reason


DAYS = st.floats(0, 60)
ITEMS = st.builds(
    lambda activity, since, commit, asked, ttl: preview(
        remembered(activity, since), commit=commit, ttl=ttl, **({"asked": "now"} if asked else {})
    ),
    DAYS,
    DAYS,
    st.sampled_from([OLD, NEW]),
    st.booleans(),
    st.sampled_from(["0s", "1h", "7d", "60d"]),
)


def annotated(item: Environment, **marks: str) -> Environment:
    """Return the Environment with some more annotations."""
    annotations = item.metadata.annotations | {f"kapsa-project.io/{k}": v for k, v in marks.items()}
    metadata = item.metadata.model_copy(update={"annotations": annotations})
    return item.model_copy(update={"metadata": metadata})


@given(item=ITEMS, today=DAYS, extension=DAYS)
def test_nothing_but_a_pin_goes_beyond_max_lifetime(
    item: Environment, today: float, extension: float
) -> None:
    life = on(today, annotated(item, **{"extended-until": day(extension)}))

    assert life.expires_at is not None
    assert life.active_since is not None
    assert life.expires_at <= life.active_since + 30 * DAY
    assert on(today, annotated(item, pin="true")).expires_at is None


@given(item=ITEMS, today=DAYS, extension=DAYS)
def test_an_extension_never_shortens_a_life_without_a_return(
    item: Environment, today: float, extension: float
) -> None:
    plain, longer = (
        on(today, item),
        on(today, annotated(item, **{"extended-until": day(extension)})),
    )

    assert plain.expires_at is not None
    assert longer.expires_at is not None
    if plain.active_since == longer.active_since:
        assert longer.expires_at >= plain.expires_at


@given(item=ITEMS, today=DAYS, later=DAYS)
def test_what_the_status_keeps_leads_to_the_same_end(
    item: Environment, today: float, later: float
) -> None:
    life = on(today, item)
    status = item.status.model_copy(
        update={
            "last_activity_at": to_rfc3339(life.last_activity_at or 0.0),
            "last_activity_of": life.last_activity_of,
            "active_since": to_rfc3339(life.active_since or 0.0),
            "last_handled_requested_at": "now",
        }
    )
    again = on(today + later, item.model_copy(update={"status": status}))

    assert again.expires_at == life.expires_at
    assert again.active_since == life.active_since
