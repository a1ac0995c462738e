"""How long something may take, on a machine that others use too."""

from pathlib import Path

import pytest

from lab.deadline import CpuTimes, Deadline, cpu_times


class Machine:
    """A machine whose time passes as a test says."""

    def __init__(self) -> None:
        self.now, self.times = 0.0, CpuTimes(0, 0)

    def run(self, seconds: float, stolen: float = 0.0) -> None:
        """Let time pass, of which a share is stolen."""
        self.now += seconds
        ticks = int(seconds * 200)
        self.times = CpuTimes(self.times.stolen + int(ticks * stolen), self.times.total + ticks)

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, clock=lambda: self.now, times=lambda: self.times)


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_machine_of_ones_own_has_its_seconds_and_no_more(machine: Machine) -> None:
    machine.run(1000, stolen=0.9)
    deadline = machine.deadline(30)
    machine.run(29.9)
    assert not deadline.has_passed
    machine.run(0.1)
    assert deadline.has_passed


def test_what_others_take_is_given_on_top(machine: Machine) -> None:
    deadline = machine.deadline(30)
    machine.run(100, stolen=0.75)
    assert not deadline.has_passed
    machine.run(20, stolen=0.75)
    assert deadline.has_passed


def test_no_deadline_is_for_ever(machine: Machine) -> None:
    deadline = machine.deadline(30)
    machine.run(299, stolen=1.0)
    assert not deadline.has_passed
    machine.run(1, stolen=1.0)
    assert deadline.has_passed


def test_the_kernel_is_read_as_it_writes(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  10 1 20 300 4 5 6 70 8 9\ncpu0 1 2 3\nintr 1\n")
    assert cpu_times(stat) == CpuTimes(stolen=70, total=416)


@pytest.mark.parametrize("text", ["", "cpu  1 2 3\n", "cpu  a b c d e f g h\n"])
def test_where_it_does_not_tell_nothing_is_stolen(tmp_path: Path, text: str) -> None:
    (tmp_path / "stat").write_text(text)
    assert cpu_times(tmp_path / "stat").stolen == 0
    assert cpu_times(tmp_path / "absent") == CpuTimes(0, 0)
