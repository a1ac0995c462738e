from __future__ import annotations

import os
import shutil

import pytest

from lab.build_node import missing


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def test_a_machine_without_runc_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        shutil, "which", lambda name: None if name == "runc" else f"/usr/bin/{name}"
    )
    assert "runc on PATH" in missing()
    assert "apt install runc" in missing()
    assert "\n" not in missing()


def test_builds_need_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert missing() == ""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "root" in missing()
