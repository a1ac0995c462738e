"""What stands for the content of Secrets and ConfigMaps."""

from typing import Any

import pytest

from kapsa.core import labels
from kapsa.core.content import without_content, without_values
from kapsa.core.drift import drift, needs_apply, stamp

CANARY = "Y2FuYXJ5"
OTHER = "b3RoZXI="


def copy(kind: str = "Secret", **content: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, **content}


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_no_value_is_left_of_the_content(kind: str) -> None:
    last = {"kubectl.kubernetes.io/last-applied-configuration": CANARY, "note": "x"}
    whole = copy(kind, data={"a": CANARY}, binaryData={"b": CANARY}, stringData={"c": CANARY})
    whole["metadata"]["annotations"] = last
    kept = without_content(whole)
    assert CANARY not in str(kept)
    assert [list(kept[field]) for field in ("data", "binaryData", "stringData")] == [
        ["a"],
        ["b"],
        ["c"],
    ]
    assert kept["metadata"]["annotations"] == {"note": "x"}
    assert without_content(kept) == kept
    assert CANARY in str(whole), "what was given is left as it is"


def test_other_kinds_keep_what_they_have() -> None:
    other = {"kind": "Deployment", "metadata": {"name": "a"}, "data": {"a": "b"}}
    assert without_content(other) == other
    assert without_values(other) == other


@pytest.mark.parametrize("is_trimmed", [False, True], ids=["whole", "trimmed"])
@pytest.mark.parametrize(
    ("live", "paths"),
    [
        pytest.param({"a": CANARY}, [], id="equal"),
        pytest.param({"a": CANARY, "b": OTHER}, [], id="what-others-add-is-theirs"),
        pytest.param({"a": OTHER}, [".data.a"], id="an-edited-value"),
        pytest.param({"a": ""}, [".data.a"], id="an-emptied-value"),
        pytest.param({"b": CANARY}, [".data.a"], id="another-key"),
        pytest.param(None, [".data"], id="nothing"),
    ],
)
def test_a_copy_is_compared_with_the_digests_of_what_there_is(
    live: Any, paths: list[str], is_trimmed: bool
) -> None:
    there = copy(data=live)
    found = drift(copy(data={"a": CANARY}), without_content(there) if is_trimmed else there)
    assert found == paths


def test_an_empty_value_may_be_null() -> None:
    assert drift(copy(data={"a": ""}), copy(data={"a": None})) == []


def test_the_stamp_tells_keys_and_no_values() -> None:
    def applied(manifest: dict[str, Any]) -> str:
        return str(stamp(manifest)["metadata"]["annotations"][labels.APPLIED])

    one = applied(copy(data={"a": CANARY}))
    assert applied(copy(data={"a": OTHER})) == one
    assert applied(copy(data={"a": CANARY, "b": OTHER})) != one
    assert applied(copy(data={"a": CANARY}, type="Opaque")) != one


def test_a_rotated_value_is_applied_though_the_stamp_is_the_same() -> None:
    before = without_content(stamp(copy(data={"a": CANARY})))
    assert not needs_apply(stamp(copy(data={"a": CANARY})), before)
    assert needs_apply(stamp(copy(data={"a": OTHER})), before)
