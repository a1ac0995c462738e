"""The story where containers run: what a reviewer would see after each step is fetched.

Kapsa builds every commit with BuildKit; the pages are the application's own.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lab import story_app
from lab.demo import acts, checks
from lab.demo.checks import Check, Wanted
from lab.demo.manifests import Files
from lab.demo.pages import Reader
from lab.demo.play import Step
from lab.demo.snapshot import Snapshot, take
from lab.errors import LabError
from lab.scenario import Application, condition

_MAIN = "main"
_LOGIN = "feature/login"
_SEARCH = "feature/search"
_HOSTS = {
    _MAIN: "shop.apps.localhost",
    _LOGIN: "pr-1-shop.apps.localhost",
    _SEARCH: "pr-2-shop.apps.localhost",
}
_NAMES = {_MAIN: "production", _LOGIN: "pull request #1", _SEARCH: "pull request #2"}


@dataclass
class RealStory:
    """The story of one application; `steps` in their order, each once.

    Attributes:
        app: The application, with nothing in its repository yet.
        files: The manifests to apply.
        reader: Opens pages.
        kubectl: What a person types for kubectl.
    """

    app: Application
    files: Files
    reader: Reader
    kubectl: str = "kubectl"
    _running: dict[str, Wanted] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)

    def steps(self) -> tuple[Step, ...]:
        """Return the steps."""
        return (
            self._offers(),
            self._describes(),
            self._opens_a_pull_request(),
            self._pushes_another_commit(),
            self._pushes_what_cannot_be_built(),
            self._mends_it(),
            self._promotes(),
            self._closes_the_first(),
        )

    def prepare(self) -> None:
        """Put the application on main, as there is in its repository."""
        self._commit(_MAIN, "Welcome to the shop")
        acts.wait_until_not_empty(self.app)

    def _offers(self) -> Step:
        def act() -> Sequence[Check]:
            acts.apply(self.app, self.files.admin)
            return checks.ready("DomainPool", "apps"), checks.ready("Registry", "lab")

        return Step(
            title="an admin offers domains and a registry",
            headline="An admin offers the domain apps.localhost with certificates, and the registry"
            " of the company.",
            commands=(f"$ {self.kubectl} apply -f {self.files.admin}",),
            text=self.files.shown[self.files.admin],
            act=act,
            see=("get", "domainpools,registries"),
        )

    def _describes(self) -> Step:
        def act() -> Sequence[Check]:
            acts.apply(self.app, self.files.project)
            return *self._opens(_MAIN), checks.ready("Project", self.app.name, "BuildSucceeded")

        return Step(
            title="a developer describes the application",
            headline="A developer describes the application as a Project. Kapsa builds the"
            " Dockerfile of main with BuildKit, and production opens.",
            commands=(f"$ {self.kubectl} apply -f {self.files.project}",),
            text=self.files.shown[self.files.project],
            act=act,
        )

    def _opens_a_pull_request(self) -> Step:
        def act() -> Sequence[Check]:
            self._commit(_LOGIN, "Log in to the shop")
            acts.open_pull_request(self.app, _LOGIN, "Add a login form", 1)
            return *self._opens(_LOGIN), *self._still_opens(_MAIN)

        return Step(
            title="Alice opens pull request #1",
            headline="Alice opens pull request #1: it is built, and gets a page of its own.",
            commands=(
                f"$ git push origin {_LOGIN}",
                acts.in_gitea(self.app, "compare/main...", _LOGIN),
            ),
            act=act,
        )

    def _pushes_another_commit(self) -> Step:
        def act() -> Sequence[Check]:
            before = acts.deployment(self.app, _LOGIN, _NAMES[_LOGIN])
            self._commit(_LOGIN, "Log in with a password")
            return *self._opens(_LOGIN), checks.rolled_out(_NAMES[_LOGIN], before)

        return Step(
            title="Alice pushes another commit to it",
            headline="Alice pushes another commit to pull request #1: the page changes.",
            commands=(f"$ git push origin {_LOGIN}",),
            act=act,
        )

    def _pushes_what_cannot_be_built(self) -> Step:
        def act() -> Sequence[Check]:
            self._commit(_SEARCH, "Search the shop", dockerfile="FROM scratch\nCOPY pgae /\n")
            acts.open_pull_request(self.app, _SEARCH, "Add a search box", 2)
            return self._build_failed("pgae"), *self._still_opens(_LOGIN, _MAIN)

        return Step(
            title="Bob opens pull request #2, which can't be built",
            headline="Bob opens pull request #2, with a word misspelt in its Dockerfile: Kapsa says"
            " why it can't be built, and nothing else is disturbed.",
            commands=(
                f"$ git push origin {_SEARCH}",
                acts.in_gitea(self.app, "compare/main...", _SEARCH),
            ),
            act=act,
            see=("get", "projects", "-A", "-o", "wide"),
        )

    def _mends_it(self) -> Step:
        def act() -> Sequence[Check]:
            self._commit(_SEARCH, "Search the shop", dockerfile=story_app.dockerfile())
            built = checks.ready("Project", self.app.name, "BuildSucceeded")
            return *self._opens(_SEARCH), built

        return Step(
            title="Bob mends it",
            headline="Bob mends it: pull request #2 is built, and opens.",
            commands=(f"$ git push origin {_SEARCH}",),
            act=act,
        )

    def _promotes(self) -> Step:
        def act() -> Sequence[Check]:
            image = self._image(_LOGIN)
            self._kapsa("promote", self.app.name, "pr-1", "production", "-n", self.app.namespace)
            login, main = self._running[_LOGIN], self._running[_MAIN]
            self._running[_MAIN] = Wanted(
                main.name, main.branch, login.commit, image, main.host, main.scheme
            )
            self._texts[_MAIN] = self._texts[_LOGIN]
            return self._opens(_MAIN)

        return Step(
            title="production gets the image of pull request #1",
            headline="What the reviewers have seen is released: the very image of pull request #1,"
            " built no second time.",
            commands=(f"$ kapsa promote shop pr-1 production -n {self.app.namespace}",),
            act=act,
        )

    def _closes_the_first(self) -> Step:
        def act() -> Sequence[Check]:
            environment = take(self.app.platform).environment(_LOGIN) or {}
            self.app.close_pull_request(1)
            return (
                *checks.gone(_NAMES[_LOGIN], environment),
                self.reader.answers_nothing(_HOSTS[_LOGIN]),
                *self._still_opens(_SEARCH, _MAIN),
            )

        return Step(
            title="Alice closes pull request #1",
            headline="Alice closes pull request #1: everything of it goes, and nothing else.",
            commands=(acts.in_gitea(self.app, "pulls/1"),),
            act=act,
        )

    def _opens(self, branch: str) -> tuple[Check, ...]:
        """Claim that an environment runs, and that its page opens."""
        return *checks.running(self._running[branch]), self._page(branch)

    def _still_opens(self, *branches: str) -> Iterator[Check]:
        """Claim that environments run on, and that their pages open."""
        for branch in branches:
            yield checks.still_running(self._running[branch])
            yield self._page(branch)

    def _page(self, branch: str) -> Check:
        commit = self._running[branch].commit
        return self.reader.answers(_HOSTS[branch], commit, self._texts[branch])

    def _build_failed(self, word: str) -> Check:
        def problem(snapshot: Snapshot) -> str:
            found = condition(snapshot.named("Project", self.app.name), "BuildSucceeded")
            if found.get("reason") != "BuildFailed":
                return f"BuildSucceeded is {found.get('status')}, {found.get('reason')}"
            return "" if word in found["message"] else f"its message has no {word}"

        return Check(f"Project {self.app.name} says of BuildSucceeded: there is no {word}", problem)

    def _kapsa(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "kapsa", *arguments]
        command += ["--kubeconfig", str(self.app.platform.kubeconfig)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"kapsa {' '.join(arguments)}: {done.stderr.strip()}")

    def _commit(self, branch: str, text: str, *, dockerfile: str = "") -> None:
        """Commit a page, with the application where the branch has none, and push it."""
        files: dict[str, str | bytes | None] = {"page.html": f"<h1>{text}</h1>\n"}
        if branch not in self._running:
            files |= story_app.files(f"<h1>{text}</h1>\n")
        if dockerfile:
            files["Dockerfile"] = dockerfile
        sha = self.app.commit(branch, files=files, image=False)
        host = _HOSTS[branch].replace(".", r"\.")
        self._running[branch] = Wanted(_NAMES[branch], branch, sha, "", host, "https")
        self._texts[branch] = text

    def _image(self, branch: str) -> str:
        environment = take(self.app.platform).environment(branch) or {"status": {}}
        return str(environment["status"].get("image", ""))
