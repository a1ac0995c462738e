"""The story: what an admin, two developers and their CI do, and what must hold after each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.demo import acts, checks
from lab.demo.checks import Check, Wanted
from lab.demo.manifests import Files
from lab.demo.play import Step
from lab.demo.snapshot import Manifest, take
from lab.scenario import Application

_MAIN = "main"
_BRANCH = "preview/blue"
_LOGIN = "feature/login"
_SEARCH = "feature/search"
_DIGEST = "[0-9a-f]{10}"

_HOSTS = {
    _MAIN: "shop",
    # A branch's name with a slash in it gets a digest, so that no two branches meet.
    _BRANCH: f"preview-blue-{_DIGEST}-shop",
    _LOGIN: "pr-1-shop",
    _SEARCH: "pr-2-shop",
}
_NAMES = {
    _MAIN: "production",
    _BRANCH: "the preview of preview/blue",
    _LOGIN: "pull request #1",
    _SEARCH: "pull request #2",
}


@dataclass
class Story:
    """The story of one application; `steps` in their order, each once.

    Attributes:
        app: The application, with nothing in its repository yet.
        files: The manifests to apply.
        kubectl: What a person types for kubectl.
    """

    app: Application
    files: Files
    kubectl: str = "kubectl"
    _running: dict[str, Wanted] = field(default_factory=dict)
    _production: Manifest = field(default_factory=dict)

    def steps(self) -> tuple[Step, ...]:
        """Return the steps."""
        return (
            self._offers(),
            self._describes(),
            self._production_runs(),
            self._previews_a_branch(),
            self._opens_a_pull_request(),
            self._pushes_its_image(),
            self._pushes_another_commit(),
            self._opens_a_second_one(),
            self._closes_the_first(),
            self._looks_back(),
        )

    def prepare(self) -> None:
        """Put a first commit on main, as there is in an application's repository."""
        self._commit(_MAIN, "shop 1.0")
        acts.wait_until_not_empty(self.app)

    def _offers(self) -> Step:
        def act() -> Sequence[Check]:
            acts.apply(self.app, self.files.admin)
            return checks.ready("DomainPool", "apps"), checks.ready("Registry", "lab")

        return Step(
            title="an admin offers domains and a registry",
            headline="An admin offers the domain apps.localhost, and the registry of the company.",
            commands=(f"$ {self.kubectl} apply -f {self.files.admin}",),
            text=self.files.shown[self.files.admin],
            act=act,
            see=("get", "domainpools,registries"),
        )

    def _describes(self) -> Step:
        def act() -> Sequence[Check]:
            acts.apply(self.app, self.files.project)
            return (
                checks.ready("Project", self.app.name, "RepositoryAccessible"),
                *self._waiting(_MAIN),
            )

        return Step(
            title="a developer describes the application",
            headline="A developer describes the application as a Project: main is production,"
            " every pull request gets a preview, and so does every branch preview/….",
            commands=(f"$ {self.kubectl} apply -f {self.files.project}",),
            text=self.files.shown[self.files.project],
            act=act,
        )

    def _production_runs(self) -> Step:
        def act() -> Sequence[Check]:
            self._push_image(_MAIN)
            return checks.running(self._running[_MAIN])

        return Step(
            title="CI pushes the image of main",
            headline="CI has built main, and pushes the image: production runs.",
            commands=(self._docker_push(_MAIN),),
            act=act,
        )

    def _previews_a_branch(self) -> Step:
        def act() -> Sequence[Check]:
            self._production = acts.deployment(self.app, _MAIN, _NAMES[_MAIN])
            self._commit(_BRANCH, "shop in blue")
            self._push_image(_BRANCH)
            return *checks.running(self._running[_BRANCH]), *self._unaffected(previews=1)

        return Step(
            title="Bob pushes the branch preview/blue",
            headline="Bob wants to show an idea, and pushes the branch preview/blue.",
            commands=(f"$ git push origin {_BRANCH}", self._docker_push(_BRANCH)),
            act=act,
        )

    def _opens_a_pull_request(self) -> Step:
        def act() -> Sequence[Check]:
            self._commit(_LOGIN, "a login form")
            acts.open_pull_request(self.app, _LOGIN, "Add a login form", 1)
            return *self._waiting(_LOGIN), *self._unaffected(previews=2)

        return Step(
            title="Alice opens pull request #1",
            headline="Alice opens pull request #1. CI is still building it, so its Environment"
            " waits, and says for which image.",
            commands=(
                f"$ git push origin {_LOGIN}",
                acts.in_gitea(self.app, "compare/main...", _LOGIN),
            ),
            act=act,
        )

    def _pushes_its_image(self) -> Step:
        def act() -> Sequence[Check]:
            self._push_image(_LOGIN)
            return *checks.running(self._running[_LOGIN]), *self._unaffected(previews=2)

        return Step(
            title="CI pushes the image of pull request #1",
            headline="CI is done, and pushes the image of pull request #1.",
            commands=(self._docker_push(_LOGIN),),
            act=act,
        )

    def _pushes_another_commit(self) -> Step:
        def act() -> Sequence[Check]:
            before = acts.deployment(self.app, _LOGIN, _NAMES[_LOGIN])
            self._commit(_LOGIN, "a login form with a password")
            self._push_image(_LOGIN)
            return (
                *checks.running(self._running[_LOGIN]),
                checks.rolled_out(_NAMES[_LOGIN], before),
                *self._unaffected(previews=2),
            )

        return Step(
            title="Alice pushes another commit to it",
            headline="Alice pushes another commit to pull request #1: it is rolled out, and the"
            " URL stays.",
            commands=(f"$ git push origin {_LOGIN}", self._docker_push(_LOGIN)),
            act=act,
        )

    def _opens_a_second_one(self) -> Step:
        def act() -> Sequence[Check]:
            self._commit(_SEARCH, "a search box")
            self._push_image(_SEARCH)
            acts.open_pull_request(self.app, _SEARCH, "Add a search box", 2)
            return (
                *checks.running(self._running[_SEARCH]),
                checks.still_running(self._running[_LOGIN]),
                *self._unaffected(previews=3),
            )

        return Step(
            title="Bob opens pull request #2",
            headline="Bob opens pull request #2: it runs beside the first.",
            commands=(
                f"$ git push origin {_SEARCH}",
                self._docker_push(_SEARCH),
                acts.in_gitea(self.app, "compare/main...", _SEARCH),
            ),
            act=act,
        )

    def _closes_the_first(self) -> Step:
        def act() -> Sequence[Check]:
            environment = take(self.app.platform).environment(_LOGIN) or {}
            self.app.close_pull_request(1)
            return (
                *checks.gone(_NAMES[_LOGIN], environment),
                checks.still_running(self._running[_SEARCH]),
                checks.still_running(self._running[_BRANCH]),
                *self._unaffected(previews=2),
            )

        return Step(
            title="Alice closes pull request #1",
            headline="Alice closes pull request #1: everything of it goes, and nothing else.",
            commands=(acts.in_gitea(self.app, "pulls/1"),),
            act=act,
        )

    def _looks_back(self) -> Step:
        def act() -> Sequence[Check]:
            return (
                checks.ready("Project", self.app.name),
                *(
                    checks.still_running(self._running[branch])
                    for branch in (_MAIN, _BRANCH, _SEARCH)
                ),
                *self._unaffected(previews=2),
            )

        return Step(
            title="production was never touched",
            headline="Production has been the same all along, and the others run.",
            commands=(),
            act=act,
        )

    def _commit(self, branch: str, text: str) -> None:
        sha = self.app.commit(branch, files={"shop.txt": f"{text}\n"}, image=False)
        pattern = rf"{_HOSTS[branch]}\.apps\.localhost"
        self._running[branch] = Wanted(_NAMES[branch], branch, sha, "", pattern)

    def _push_image(self, branch: str) -> None:
        wanted = self._running[branch]
        digest = self.app.push_image(wanted.commit)
        image = f"{self.app.registry.host}/{self.app.image_repository}@{digest}"
        self._running[branch] = Wanted(
            wanted.name, branch, wanted.commit, image=image, host=wanted.host
        )

    def _waiting(self, branch: str) -> tuple[Check, ...]:
        return checks.waiting(_NAMES[branch], branch, self._running[branch].commit)

    def _unaffected(self, *, previews: int) -> tuple[Check, ...]:
        return (
            checks.counted(self.app.name, 1, previews),
            checks.untouched(_NAMES[_MAIN], self._production),
        )

    def _docker_push(self, branch: str) -> str:
        image = f"{self.app.registry.host}/{self.app.image_repository}"
        return f"$ docker push {image}:$(git rev-parse {branch})    (in CI)"
