from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab import builds, uidmap
from lab.build_image import missing


@pytest.fixture
def all_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")


def test_a_machine_that_has_no_uidmap_and_gets_none_is_told_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = {"newuidmap": None, "newgidmap": None, "apt-get": None}
    monkeypatch.setattr(shutil, "which", lambda name: there.get(name, f"/usr/bin/{name}"))
    uidmap.unpacked.cache_clear()
    assert "newuidmap, newgidmap on PATH" in missing()
    assert "apt install runc uidmap" in missing()
    assert "\n" not in missing()


@pytest.mark.usefixtures("all_programs")
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("user/max_user_namespaces", "0"),
        ("kernel/unprivileged_userns_clone", "0"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1"),
    ],
)
def test_a_kernel_that_forbids_user_namespaces_is_told_by_its_setting(
    tmp_path: Path, setting: str, value: str
) -> None:
    file = tmp_path / setting
    file.parent.mkdir()
    file.write_text(f"{value}\n")
    said = builds.missing(tmp_path)
    assert f"{setting.replace('/', '.')} is {value}" in said
    assert "\n" not in said


@pytest.mark.usefixtures("all_programs")
def test_a_kernel_that_allows_them_lacks_nothing(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user/max_user_namespaces").write_text("96365\n")
    assert builds.missing(tmp_path) == ""
