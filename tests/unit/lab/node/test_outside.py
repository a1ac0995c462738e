from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab import laboratory
from lab.errors import LabError
from lab.identity import Identity, identify
from lab.node import outside
from lab.node.outside import Record, name_of
from lab.site import Site


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The names of what is removed, in the place of removing it."""
    names: list[str] = []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("lab.node.network.delete", names.append)
    monkeypatch.setattr("lab.node.cgroups.remove", lambda name, *_: names.append(name))
    return names


def keep(record: Record) -> Record:
    outside._records().mkdir(parents=True, exist_ok=True)
    outside._write(record)
    return record


def record(directory: Path, owner: Identity | None) -> Record:
    return keep(Record(name_of(directory), str(directory), "10.244.3.0/24", owner))


def test_each_laboratory_has_a_name_of_its_own_that_an_interface_can_have() -> None:
    names = {name_of(Path("/lab/a")), name_of(Path("/lab/b")), name_of(Path("/x" * 200))}

    assert len(names) == 3
    assert all(len(name) <= 15 for name in names)


def test_what_a_killed_laboratory_left_is_cleared_away_with_its_directories(
    tmp_path: Path, removed: list[str]
) -> None:
    directory, forge = tmp_path / "lab", tmp_path / "forge"
    forge.mkdir()
    Site(directory, "demo", {}, outside={"gitea": str(forge)}).save()
    left = record(directory, Identity(os.getpid(), 0))  # somebody who had our pid before us

    outside.sweep(print)

    assert removed == [left.name, left.name]
    assert not directory.exists()
    assert not forge.exists()
    assert outside.find(Site(directory, "demo", {})) is None


def test_what_a_running_laboratory_has_stays(tmp_path: Path, removed: list[str]) -> None:
    record(tmp_path / "ours", identify(os.getpid()))
    detached = Site(tmp_path / "detached", "demo", {})
    detached.save()
    record(detached.directory, None)

    outside.sweep(print)

    assert removed == []
    assert outside.find(detached) is not None


def test_what_a_detached_laboratory_left_goes_when_its_directory_is_gone(
    tmp_path: Path, removed: list[str]
) -> None:
    left = record(tmp_path / "gone", None)

    outside.sweep(print)

    assert removed == [left.name, left.name]


def test_a_laboratory_keeps_its_kind_of_nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(laboratory, "build", lambda recipes: {})
    directory = tmp_path / "kapsa" / "lab" / "ours"
    Site(directory, "demo", {"kubelet": tmp_path / "kubelet"}).save()

    with pytest.raises(LabError, match="'ours' has nodes of another kind"):
        laboratory.up("demo", "ours", print)
