from __future__ import annotations

from pathlib import Path

import pytest

from lab.node.cgroups import create, hierarchies, remove

VERSION_1 = """\
25 1 8:1 / / rw - ext4 /dev/vda rw
30 25 0:20 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:21 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
32 30 0:22 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 cgroup2 rw
"""
VERSION_2 = "30 25 0:20 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"


@pytest.fixture
def unified(tmp_path: Path) -> Path:
    """The top of version 2, which hands down cpu and memory."""
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory\n")
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory\n")
    return tmp_path


@pytest.mark.parametrize(
    ("mountinfo", "expected"),
    [
        (VERSION_1, ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified"]),
        (VERSION_2, ["/sys/fs/cgroup"]),
    ],
)
def test_all_hierarchies_are_found(mountinfo: str, expected: list[str]) -> None:
    assert [str(path) for path in hierarchies(mountinfo)] == expected


def test_version_2_hands_down_what_a_kubelet_wants_and_says_what_was_switched_on(
    unified: Path,
) -> None:
    assert create("kapsa-1", [unified]) == ("cpuset",)

    assert (unified / "cgroup.subtree_control").read_text() == "+cpuset"
    assert (unified / "kapsa-1").is_dir()


def test_where_version_1_has_the_controllers_version_2_is_left_as_it_is(
    unified: Path, tmp_path: Path
) -> None:
    first = tmp_path / "cpu"
    first.mkdir()

    assert create("kapsa-1", [first, unified]) == ()

    assert (unified / "cgroup.subtree_control").read_text() == "cpu memory\n"
    assert (first / "kapsa-1").is_dir()


def test_the_group_goes_with_all_below_it_and_controllers_are_switched_off_again(
    unified: Path,
) -> None:
    create("kapsa-1", [unified])
    (unified / "kapsa-1" / "kubepods" / "burstable").mkdir(parents=True)

    remove("kapsa-1", [unified], ("cpuset",))

    assert not (unified / "kapsa-1").exists()
    assert (unified / "cgroup.subtree_control").read_text() == "-cpuset"


def test_removing_what_is_not_there_does_nothing(tmp_path: Path) -> None:
    remove("kapsa-1", [tmp_path])
