"""What a build would be made of is read from a real forge: private, without the files' content."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.adapters.git_remote import GitRemote
from kapsa.adapters.git_repository import GitRepositories
from kapsa.core.builds.source import Source
from kapsa.models.reasons import Reason
from lab.scenario import Application


class Reader:
    """Reads one application's repository by its token, each time as one operator would."""

    def __init__(self, app: Application, directory: Path, executor: ThreadPoolExecutor) -> None:
        self.url = app.repository.clone_url
        self.credentials = Credentials("x-access-token", app.token)
        self.directory = directory
        self.executor = executor

    def read(self, *commits: str, context: str = ".", **changes: Any) -> list[Source]:
        """Read commits one after another with one cache."""

        async def read_all() -> list[Source]:
            host = urlsplit(self.url).hostname or ""
            repositories = GitRepositories(
                GitRemote(AddressPolicy((host,)), allow_http=True),
                self.executor,
                directory=str(self.directory),
                cache_size=2**28,
            )
            given = {"with_files": True, "credentials": self.credentials, **changes}
            try:
                return [
                    await repositories.read_source(self.url, commit, context=context, **given)
                    for commit in commits
                ]
            finally:
                repositories.close()

        return asyncio.run(read_all())


@pytest.fixture
def reader(app: Application, tmp_path: Path) -> Iterator[Reader]:
    with ThreadPoolExecutor(2) as executor:
        yield Reader(app, tmp_path, executor)


def test_a_tree_changes_with_what_is_in_the_context_and_with_nothing_else(
    app: Application, reader: Reader
) -> None:
    files = {"services/web/app.py": "1\n", "services/db/schema.sql": "1\n", "README": "1\n"}
    first = app.commit(files=files, image=False)
    again = app.commit("same", files={"README": "1\n"}, image=False)
    outside = app.commit(files={"services/db/schema.sql": "2\n"}, image=False)
    inside = app.commit(files={"services/web/app.py": "2\n"}, image=False)

    web = reader.read(first, again, outside, inside, context="services/web")
    whole = reader.read(first, again, outside)

    assert web[0].tree == web[1].tree == web[2].tree != web[3].tree
    assert whole[0].tree == whole[1].tree != whole[2].tree
    assert web[3].tree == app.worktree.git("rev-parse", f"{inside}:services/web")
    assert [path for path, _ in web[0].files] == ["app.py"]
    blob = app.worktree.git("rev-parse", f"{inside}:services/web/app.py")
    assert web[3].files == (("app.py", f"100644 {blob}"),)
    assert whole[0].message == "Change main\n"
    with pytest.raises(Stalled, match="no directory services/shop") as stalled:
        reader.read(inside, context="services/shop")
    assert stalled.value.reason == Reason.CONTEXT_NOT_FOUND


def test_a_pull_request_is_read_and_what_nobody_has_pushed_is_waited_for(
    app: Application, reader: Reader
) -> None:
    app.commit(image=False)
    head = app.commit("feature", files={"new.txt": "new\n"}, image=False)
    app.open_pull_request("feature")
    unknown = app.worktree.commit({"new.txt": "newer\n"}, "Not pushed", "feature")

    (source,) = reader.read(head)

    assert "new.txt" in dict(source.files)
    with pytest.raises(Waiting) as waiting:
        reader.read(unknown)
    assert waiting.value.reason == Reason.COMMIT_NOT_FOUND


@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_private_repository_is_not_read_without_its_credentials(
    app: Application, reader: Reader, password: str
) -> None:
    commit = app.commit(image=False)
    stranger = Credentials("x-access-token", password) if password else None

    with pytest.raises(Stalled) as stalled:
        reader.read(commit, credentials=stranger)

    assert stalled.value.reason == Reason.AUTHENTICATION_FAILED


def test_names_of_every_kind_are_read_as_they_are(app: Application, reader: Reader) -> None:
    names = [
        *("with space", "new\nline", "tab\there", "ümläut/Straße", 'quo"te', "back\\slash"),
        *("-option", ":(top)magic", "*", "$(id)", ".gitattributes", ".lfsconfig"),
    ]
    files = dict.fromkeys(names, "x\n") | {".gitattributes": "*.bin filter=lfs -text\n"}
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 9\n"
    commit = app.commit(files={**files, "large.bin": pointer}, image=False)

    (source,) = reader.read(commit)
    (inside,) = reader.read(commit, context="ümläut")

    assert {path for path, _ in source.files} == {*names, "large.bin"}
    assert [path for path, _ in inside.files] == ["Straße"]


def test_only_trees_are_kept_and_nothing_is_left_at_the_end(
    app: Application, reader: Reader
) -> None:
    large = os.urandom(2**20).hex()
    commits = [app.commit(files={"large.txt": large, "n": f"{n}\n"}, image=False) for n in range(3)]
    sizes = []
    remove = shutil.rmtree

    def measure(path: Any, **options: Any) -> None:
        sizes.append(sum(found.stat().st_size for found in Path(path).rglob("*")))
        remove(path, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kapsa.adapters.git_cache.shutil.rmtree", measure)
        sources = reader.read(*commits)

    assert len({source.tree for source in sources}) == 3
    assert 0 < sizes[-1] < len(large) // 10
    assert list(reader.directory.iterdir()) == []
