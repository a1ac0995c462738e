from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lab.builder import build, is_built
from lab.builder.toolchain import find_go
from lab.errors import BuildError
from lab.identity import identify
from lab.recipes import Toolchain, book
from tests.unit.lab.conftest import FakeGo, SilentDisplay, recipe


def test_what_is_in_the_cache_is_not_built_again(fake_go: FakeGo) -> None:
    first = build([recipe()], show=SilentDisplay())
    second = build([recipe()], show=SilentDisplay())
    assert first == second == {"server": fake_go.cache / "server-1.2.3" / "server"}
    assert len(fake_go.builds()) == 1
    assert is_built(recipe())


def test_recipes_of_a_group_are_one_go_build(fake_go: FakeGo) -> None:
    found = build([recipe("one", group="g"), recipe("two", group="g")], show=SilentDisplay())
    assert len(fake_go.builds()) == 1
    assert found["two"] == fake_go.cache / "two-1.2.3" / "two"


def test_a_change_of_the_recipe_builds_again(fake_go: FakeGo) -> None:
    build([recipe()], show=SilentDisplay())
    build([recipe(cgo=True)], show=SilentDisplay())
    assert len(fake_go.builds()) == 2
    assert fake_go.leftovers() == []


def test_a_program_of_ours_is_compiled_against_the_module(fake_go: FakeGo) -> None:
    fake_go.behave("(here / 'seen').write_text(pathlib.Path('go.mod').read_text() + "
                   "pathlib.Path('main.go').read_text())")  # fmt: skip
    build([book().recipes["kpack-api"]], show=SilentDisplay())
    seen = (fake_go.directory / "seen").read_text("utf-8")
    assert "require github.com/pivotal/kpack v0.10.1\n" in seen
    assert "\npackage main\n" in seen


def test_a_file_that_the_program_embeds_and_its_module_leaves_out_is_there_and_empty(
    fake_go: FakeGo,
) -> None:
    fake_go.behave("assert pathlib.Path('webui/static/index.html').read_bytes() == b''")
    wanted = replace(recipe(), way="copy", blank=("webui/static/index.html",))
    build([wanted], show=SilentDisplay())
    assert is_built(wanted)
    assert not is_built(replace(wanted, blank=()))


def test_a_failed_build_leaves_no_cache_entry_and_shows_the_last_lines(fake_go: FakeGo) -> None:
    fake_go.behave("print('\\n'.join(f'line {n}' for n in range(30)), flush=True); sys.exit(2)")
    with pytest.raises(BuildError) as caught:
        build([recipe()], show=SilentDisplay())
    shown = str(caught.value)
    assert "Building server failed: go ended with 2." in shown
    assert "line 29" in shown
    assert "line 10\n" in shown
    assert "line 9\n" not in shown
    assert str(fake_go.cache / "logs" / "server-1.2.3.log") in shown
    assert not is_built(recipe())
    assert not (fake_go.cache / "server-1.2.3").exists()
    assert fake_go.leftovers() == []


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ("dial tcp: lookup proxy.invalid: no such host", "set HTTPS_PROXY"),
        ("module lookup disabled by GOPROXY=off", "set HTTPS_PROXY"),
        ("write /x: no space left on device", "The disk is full"),
        ('cgo: C compiler "gcc" not found', "apt install gcc"),
        ("compile: signal: killed", "ran out of memory"),
        ("go: go.mod requires go >= 1.27.0 (running go 1.26.8; GOTOOLCHAIN=local)", "Go 1.27.0"),
    ],
)
def test_a_known_cause_is_named_with_what_to_do(fake_go: FakeGo, output: str, advice: str) -> None:
    fake_go.behave(f"print({output!r}, flush=True); sys.exit(1)")
    with pytest.raises(BuildError, match=advice) as caught:
        build([recipe()], show=SilentDisplay())
    assert output in str(caught.value)


def test_a_missing_c_compiler_is_told_before_anything_is_built(
    fake_go: FakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(BuildError, match="server needs a C compiler"):
        build([recipe(cgo=True)], show=SilentDisplay())
    assert fake_go.builds() == []


def test_too_little_disk_space_is_told_before_anything_is_built(
    fake_go: FakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 1})())
    with pytest.raises(BuildError, match=r"0\.0 GB left\. The disk is full"):
        build([recipe()], show=SilentDisplay())
    assert fake_go.builds() == []


def test_the_users_own_go_settings_do_not_reach_the_build(
    fake_go: FakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=vendor -modcacherw -tags=x")
    monkeypatch.setenv("GOOS", "plan9")
    monkeypatch.setenv("GOPROXY", "https://modules.invalid")
    build([recipe()], show=SilentDisplay())
    seen = json.loads((fake_go.directory / "environment").read_text("utf-8"))
    assert seen["GOFLAGS"] == "-mod=mod -buildvcs=false -modcacherw"
    assert seen["GOTOOLCHAIN"] == "local"
    assert seen["CGO_ENABLED"] == "0"
    assert seen["GOPROXY"] == "https://modules.invalid"
    assert "GOOS" not in seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_kills_the_whole_process_group_and_removes_the_half_built(
    fake_go: FakeGo, number: signal.Signals
) -> None:
    compiler_pid = fake_go.directory / "compiler"
    fake_go.behave(
        "child = subprocess.Popen(['sleep', '60'])\n"
        "(here / 'compiler.new').write_text(str(child.pid))\n"
        "(here / 'compiler.new').rename(here / 'compiler')\n"
        "time.sleep(60)"
    )

    def interrupt_once_it_compiles() -> None:
        if compiler_pid.exists():
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        build([recipe()], show=SilentDisplay(interrupt_once_it_compiles))
    assert identify(int(compiler_pid.read_text("utf-8"))) is None
    assert fake_go.leftovers() == []
    assert not is_built(recipe())
    fake_go.behave("")
    waited = SilentDisplay()
    build([recipe()], show=waited)
    assert not [line for line in waited.lines if "waiting" in line]


def test_leftovers_of_a_killed_build_are_swept(fake_go: FakeGo) -> None:
    (fake_go.cache / ".building-server-1.2.3-dead").mkdir(parents=True)
    build([recipe()], show=SilentDisplay())
    assert fake_go.leftovers() == []


def test_a_ready_made_binary_of_a_near_version_is_used(
    fake_go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    binary = assets / "server"
    for version, used in (("v1.3.0", True), ("v1.9.0", False), ("v2.2.0", False)):
        binary.write_text(f"#!/bin/sh\necho server {version}\n")
        binary.chmod(0o755)
        found = build([recipe(skew=1)], show=SilentDisplay())
        assert (found["server"] == binary) is used
    assert len(fake_go.builds()) == 1


def test_without_go_and_without_an_installer_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    wanted = Toolchain(minimum="1.26", wheel="no-such-wheel", wheel_version="1.26.0")
    said: list[str] = []
    with pytest.raises(BuildError, match=r"pip install 'no-such-wheel==1.26.0'(.|\n)*neither pip"):
        find_go(wanted, tmp_path, said.append)
    assert "no go on PATH" in said[0]


def test_a_go_that_is_too_old_is_named(
    fake_go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    wanted = Toolchain(minimum="1.99", wheel="no-such-wheel", wheel_version="1.99.0")
    with pytest.raises(BuildError, match=f"{fake_go.directory}/go is 1.26.8"):
        find_go(wanted, tmp_path, lambda _line: None)


def test_an_unpacked_wheel_is_found_where_path_has_no_go(
    fake_go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = tmp_path / "no-such-wheel-1.26.0" / "go" / "bin" / "go"
    binary.parent.mkdir(parents=True)
    (fake_go.directory / "go").rename(binary)
    monkeypatch.setenv("PATH", "/nonexistent")
    wanted = Toolchain(minimum="1.26", wheel="no-such-wheel", wheel_version="1.26.0")
    found = find_go(wanted, tmp_path, lambda _line: None)
    assert (found.binary, found.version) == (binary, "1.26.8")


def test_a_build_is_quick_to_notice_that_go_has_ended(fake_go: FakeGo) -> None:
    began = time.monotonic()
    build([recipe()], show=SilentDisplay())
    assert time.monotonic() - began < 3
    assert len(fake_go.builds()) == 1
