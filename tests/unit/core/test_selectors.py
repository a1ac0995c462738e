"""Which objects a label selector means."""

from typing import Any

import pytest
from pydantic import ValidationError

from kapsa.core.selectors import selector_text, selects, selects_all
from kapsa.models.meta import LabelSelector


def selector(labels: dict[str, str] | None = None, *expressions: Any) -> LabelSelector:
    """Return a selector; an expression is (key, operator, value…)."""
    return LabelSelector.model_validate(
        {
            "matchLabels": labels or {},
            "matchExpressions": [
                {"key": key, "operator": operator, "values": list(values)}
                for key, operator, *values in expressions
            ],
        }
    )


TEAM = {"team": "a", "stage": "dev"}


@pytest.mark.parametrize(
    ("demands", "labels", "expected"),
    [
        pytest.param(selector(), {}, True, id="nothing-is-demanded"),
        pytest.param(selector({"team": "a"}), TEAM, True, id="a-label-fits"),
        pytest.param(selector({"team": "b"}), TEAM, False, id="a-label-has-another-value"),
        pytest.param(selector({"team": "a"}), {}, False, id="a-label-is-missing"),
        pytest.param(selector({"team": ""}), {}, False, id="an-empty-label-is-missing"),
        pytest.param(
            selector({"team": "a", "stage": "x"}), TEAM, False, id="one-of-two-labels-fits"
        ),
        pytest.param(selector(None, ("team", "In", "x", "a")), TEAM, True, id="in"),
        pytest.param(selector(None, ("team", "In", "x")), TEAM, False, id="not-in-in"),
        pytest.param(selector(None, ("team", "In", "a")), {}, False, id="missing-is-not-in"),
        pytest.param(selector(None, ("team", "NotIn", "x")), TEAM, True, id="notin"),
        pytest.param(selector(None, ("team", "NotIn", "a")), TEAM, False, id="in-notin"),
        pytest.param(selector(None, ("team", "NotIn", "a")), {}, True, id="missing-is-notin"),
        pytest.param(selector(None, ("team", "Exists")), TEAM, True, id="exists"),
        pytest.param(selector(None, ("team", "Exists")), {"team": ""}, True, id="exists-empty"),
        pytest.param(selector(None, ("team", "Exists")), {}, False, id="exists-not"),
        pytest.param(selector(None, ("old", "DoesNotExist")), TEAM, True, id="absent"),
        pytest.param(selector(None, ("team", "DoesNotExist")), TEAM, False, id="absent-not"),
        pytest.param(
            selector({"team": "a"}, ("stage", "In", "prod")), TEAM, False, id="all-must-fit"
        ),
    ],
)
def test_labels_fulfil_a_selector(
    demands: LabelSelector, labels: dict[str, str], expected: bool
) -> None:
    assert selects(demands, labels) is expected


def test_only_an_empty_selector_means_all() -> None:
    assert selects_all(selector())
    assert not selects_all(selector({"team": "a"}))
    assert not selects_all(selector(None, ("team", "Exists")))


def test_it_reads_as_kubectl_takes_it() -> None:
    demands = selector(
        {"team": "a", "example.com/kind": "web"},
        ("stage", "In", "test", "dev"),
        ("zone", "NotIn", "dmz"),
        ("cost-centre", "Exists"),
        ("frozen", "DoesNotExist"),
    )

    assert selector_text(demands) == (
        "example.com/kind=web,team=a,stage in (test,dev),zone notin (dmz),cost-centre,!frozen"
    )


@pytest.mark.parametrize(
    "key", ["", "a b", "-team", "/team", "Example.com/team", "a/b/c", "t" * 64, "x/" + "t" * 64]
)
def test_a_key_that_no_label_can_have_breaks_a_rule(key: str) -> None:
    with pytest.raises(ValidationError, match="is not the key of a label"):
        selector({key: "a"})


@pytest.mark.parametrize("key", ["team", "Team_1.x", "example.com/team", "t" * 63])
def test_a_key_that_a_label_can_have_is_taken(key: str) -> None:
    assert selects(selector({key: "a"}), {key: "a"})
