from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab import story_app
from lab.images import pack


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(story_app, "program", lambda: b"\x7fELF")
    return b"\x7fELF"


def test_a_commit_has_all_that_its_dockerfile_copies(program: bytes) -> None:
    files = story_app.files("<h1>hello</h1>")
    dockerfile = str(files["Dockerfile"])
    copied = [line.split()[-2] for line in dockerfile.splitlines() if line.startswith("COPY ")]
    assert dockerfile.startswith("FROM scratch\n")
    assert {name: files[name] for name in copied} == {
        "page": program,
        "page.html": "<h1>hello</h1>",
    }


def test_a_commit_may_run_another_command() -> None:
    assert 'CMD ["serve"]' in story_app.dockerfile()
    assert 'CMD ["crash"]' in story_app.dockerfile("crash")


def test_the_image_names_its_user_by_number_so_that_a_kubelet_knows_it_is_not_root() -> None:
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", story_app.dockerfile(), re.MULTILINE)


def test_the_same_files_give_the_same_layer() -> None:
    first, second = (pack({"page": b"x"}, mode=0o755) for _ in range(2))
    assert first == second
    assert pack({"page": b"x"}).diff_id != first.diff_id


def test_every_command_is_one_of_the_program() -> None:
    source = Path(story_app.__file__).with_name("go") / "page/main.go"
    text = source.read_text("utf-8")
    for command in ("serve", "worker", "task", "migrate", "crash"):
        assert f'case "{command}":' in text
    assert f'word := "{story_app.BROKEN_MIGRATION}"' in text
