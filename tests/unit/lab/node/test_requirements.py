from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lab import laboratory
from lab.errors import LabError
from lab.node import missing


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert missing() == "A real node needs root."


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "runc" else f"/bin/{name}")

    assert missing() == "A real node needs runc on PATH (Debian: `apt install runc`)."


@pytest.mark.parametrize(
    ("roots", "reason"), [([], "none are mounted"), (["/missing"], "/missing can't")]
)
def test_control_groups_that_can_not_be_used_are_a_reason(
    roots: list[str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(
        "lab.node.cgroups.hierarchies_of_this_machine", lambda: [Path(root) for root in roots]
    )

    assert reason in missing()


def test_a_laboratory_with_a_real_node_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with (
        pytest.raises(LabError, match=r"needs root\. .*--node simulated"),
        laboratory.running("demo", node="real"),
    ):
        pytest.fail("it started")
