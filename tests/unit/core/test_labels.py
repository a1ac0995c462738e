"""How Kapsa knows its own objects."""

from typing import Any

import pytest

from kapsa.core.labels import (
    MANAGED_BY,
    OWNER_UID,
    controller_uid,
    is_owned_by,
    owner_reference,
    owner_uids,
)

OWNER = owner_reference("v1", "Thing", "a", "uid-1")
LABELLED = {"labels": {MANAGED_BY: "kapsa", OWNER_UID: "uid-1"}}


@pytest.mark.parametrize(
    ("metadata", "uid", "expected"),
    [
        pytest.param({"ownerReferences": [OWNER]}, "uid-1", True, id="by-ownerReference"),
        pytest.param({"ownerReferences": [OWNER]}, "uid-2", False, id="of-another-owner"),
        pytest.param(
            {"ownerReferences": [{**OWNER, "controller": False}]},
            "uid-1",
            False,
            id="no-controller",
        ),
        pytest.param(LABELLED, "uid-1", True, id="by-both-labels"),
        pytest.param(LABELLED, "uid-2", False, id="by-the-labels-of-another"),
        pytest.param({"labels": {OWNER_UID: "uid-1"}}, "uid-1", False, id="by-one-label"),
        pytest.param({"labels": {MANAGED_BY: "kapsa"}}, "uid-1", False, id="by-the-manager-alone"),
        pytest.param({"labels": None}, "uid-1", False, id="by-nothing"),
        pytest.param({"labels": {MANAGED_BY: "kapsa", OWNER_UID: ""}}, "", False, id="of-nobody"),
        pytest.param({"ownerReferences": [{**OWNER, "uid": ""}]}, "", False, id="of-no-uid"),
    ],
)
def test_is_owned_by(metadata: dict[str, Any], uid: str, expected: bool) -> None:
    assert is_owned_by({"metadata": metadata}, uid) is expected


def test_the_controlling_owner_is_the_one_that_counts() -> None:
    other = {**OWNER, "uid": "uid-2", "controller": False}

    assert controller_uid({"metadata": {"ownerReferences": [other, OWNER]}}) == "uid-1"
    assert controller_uid({"metadata": {}}) == ""
    assert controller_uid({}) == ""


def test_an_object_is_made_for_whom_a_reference_or_a_label_names() -> None:
    labelled = {"labels": {OWNER_UID: "uid-2"}}

    assert owner_uids({"metadata": {"ownerReferences": [OWNER], **labelled}}) == ("uid-1", "uid-2")
    assert owner_uids({"metadata": LABELLED}) == ("uid-1",)
    assert owner_uids({}) == ()
