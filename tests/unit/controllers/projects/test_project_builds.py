"""What one look at a Project finds out about the images that Kapsa builds."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from kapsa.controllers.projects.builds import ProjectBuilds
from kapsa.controllers.projects.inputs import Surroundings
from kapsa.core import labels
from kapsa.core.builds.keys import key_of
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.source import Source
from kapsa.core.conditions import Blocked
from kapsa.core.projects.naming import PERMANENT, PULL_REQUEST
from kapsa.core.projects.plans import DesiredEnvironment, Target
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry
from kapsa.models.runtime import Runtime
from tests.builders import CREATED, DIGEST, environment, project, registry, sha

REPOSITORY = "registry.example.com/acme/team-a/shop"
IMAGE = f"{REPOSITORY}@{DIGEST}"
NOT_THERE = Blocked(Reason.IMAGE_NOT_FOUND, "it does not exist")
DOWN = Blocked(Reason.REGISTRY_UNREACHABLE, "it does not answer", retry_after=15.0)


@dataclass
class Outside:
    """A repository, a registry and builds, as a test says that they are; a fake of them all."""

    namespace: str = "kapsa-builds"
    sources: dict[str, Source | Blocked] = field(default_factory=dict)
    images: dict[str, str | Blocked] = field(default_factory=dict)
    builds: list[LiveBuild] = field(default_factory=list)
    obstacles: dict[tuple[str, str], Blocked] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)

    async def read(self, _: Project, commit: str) -> Source | Blocked:
        self.reads.append(commit)
        return self.sources.get(commit, Source(f"tree of {commit}", "a message"))

    async def resolve(self, reference: str, _: Registry | None, *, project: str) -> str | Blocked:
        self.looked_up.append(reference)
        return self.images.get(reference, NOT_THERE)

    async def attempts(self, _: Project, key: str) -> tuple[LiveBuild, ...]:
        return tuple(replace(build, key=key) for build in self.builds)

    def obstacle(self, uid: str, key: str) -> Blocked | None:
        return self.obstacles.get((uid, key))


def a_project(**changes: Any) -> Project:
    return project(
        **{"build": {"strategy": "dockerfile"}, "registry": {"name": "harbor"}, **changes}
    )


def a_look(outside: Outside, given: Project | None = None, **around: Any) -> ProjectBuilds:
    offered = registry(
        endpoint="registry.example.com", repositoryTemplate="acme/{namespace}/{imageRepository}"
    )
    return ProjectBuilds(
        given or a_project(),
        Surroundings(**{"registry": offered, **around}),
        outside,
        outside,
        outside,
    )


def desired(name: str = "shop-pr-1", commit: str = "a") -> DesiredEnvironment:
    kind = PERMANENT if name == "production" else PULL_REQUEST
    return DesiredEnvironment((kind, name), name, name, "ns", Target(sha(commit)), Runtime())


def a_build(state: str = "Running", **fields: Any) -> LiveBuild:
    return LiveBuild(
        **{
            "name": "shop-1",
            "kind": "Job",
            "uid": "u",
            "project_uid": "p",
            "environment": "shop-pr-1",
            "key": "",
            "commit": sha("a"),
            "attempt": 1,
            "requested_at": "",
            "state": BuildState(state),
            **fields,
        }
    )


def ask(
    look: ProjectBuilds, wanted: DesiredEnvironment, existing: Environment | None = None
) -> str | Blocked:
    """Return the image of an environment, found out as `ProjectImages` does."""

    async def find() -> str | Blocked:
        reference = await look.reference(wanted, existing)
        if isinstance(reference, Blocked):
            return reference
        return await look.image(wanted, existing, reference)

    return asyncio.run(find())


def reason_of(image: str | Blocked) -> Reason | str:
    assert isinstance(image, Blocked)
    return image.reason


def test_what_was_never_built_is_wanted_under_a_tag_made_of_its_source() -> None:
    outside = Outside()
    look = a_look(outside)
    assert reason_of(ask(look, desired())) == Reason.BUILD_QUEUED
    (want,) = look.wants
    assert want.image == outside.looked_up[0]
    assert want.image.startswith(f"{REPOSITORY}:kapsa-")
    assert (want.commit, want.attempt, want.is_preview) == (sha("a"), 1, True)
    assert look.keys == {want.key} == {key_of(want.image)}
    assert look.summary.underway == 1


def test_what_the_registry_has_is_not_built() -> None:
    outside = Outside()
    look = a_look(outside)
    reference = asyncio.run(look.reference(desired(), None))
    assert isinstance(reference, str)
    outside.images[reference] = IMAGE
    assert ask(look, desired()) == IMAGE
    assert look.wants == []


def test_two_commits_with_the_same_tree_have_the_same_tag() -> None:
    outside = Outside()
    outside.sources = {sha(name): Source("tree", "message") for name in "ab"}
    look = a_look(outside)
    ask(look, desired(commit="a"))
    ask(look, desired("shop-pr-2", "b"))
    assert len(set(outside.looked_up)) == 1
    assert len(look.keys) == 1


def test_the_repository_is_not_read_again_for_a_commit_whose_tag_is_known() -> None:
    outside = Outside()
    reference = asyncio.run(a_look(outside).reference(desired(), None))
    known = environment(
        commit=sha("a"), metadata={"annotations": {labels.IMAGE_REFERENCE: reference}}
    )
    outside.reads.clear()
    assert asyncio.run(a_look(outside).reference(desired(), known)) == reference
    assert outside.reads == []


@pytest.mark.parametrize(
    ("changed", "commit"),
    [
        ({"build": {"strategy": "dockerfile", "dockerfile": "Other"}}, "a"),
        ({"registry": {"name": "harbor", "imageRepository": "other"}}, "a"),
        ({}, "b"),
    ],
    ids=["the build is described otherwise", "the image goes elsewhere", "the commit is new"],
)
def test_the_repository_is_read_again_where(changed: dict[str, Any], commit: str) -> None:
    outside = Outside()
    reference = asyncio.run(a_look(outside).reference(desired(), None))
    known = environment(
        commit=sha("a"), metadata={"annotations": {labels.IMAGE_REFERENCE: reference}}
    )
    outside.reads.clear()
    look = a_look(outside, a_project(**changed))
    assert asyncio.run(look.reference(desired(commit=commit), known)) != reference
    assert outside.reads == [sha(commit)]


def test_while_it_is_being_built_the_registry_is_left_in_peace() -> None:
    outside = Outside(builds=[a_build(message="its pod can't be scheduled")])
    look = a_look(outside)
    image = ask(look, desired())
    assert reason_of(image) == Reason.BUILDING
    assert isinstance(image, Blocked)
    assert "Job kapsa-builds/shop-1" in image.message
    assert "its pod can't be scheduled" in image.message
    assert outside.looked_up == []
    assert (look.wants, look.summary.underway) == ([], 1)


def test_what_a_build_has_pushed_is_taken_at_its_word() -> None:
    outside = Outside(builds=[a_build("Succeeded", digest=DIGEST)])
    assert ask(a_look(outside), desired()) == IMAGE
    assert outside.looked_up == []


def test_a_build_that_does_not_say_its_digest_is_looked_up() -> None:
    outside = Outside(builds=[a_build("Succeeded")])
    look = a_look(outside)
    image = ask(look, desired())
    assert len(outside.looked_up) == 1
    assert reason_of(image) == Reason.IMAGE_NOT_FOUND
    assert look.wants == [], "it would be built again and again"


def test_a_failure_is_told_and_not_tried_again() -> None:
    outside = Outside(builds=[a_build("Failed", message="its log ends: no such file")])
    look = a_look(outside)
    image = ask(look, desired())
    assert reason_of(image) == Reason.BUILD_FAILED
    assert isinstance(image, Blocked)
    assert image.stalled
    assert "no such file" in image.message
    assert look.wants == []
    assert look.summary.failure == image


def test_a_failure_is_tried_again_when_a_person_asks() -> None:
    asked = {"annotations": {labels.REQUESTED_AT: "now"}}
    outside = Outside(builds=[a_build("Failed")])
    look = a_look(outside, a_project(metadata=asked))
    assert reason_of(ask(look, desired())) == Reason.BUILD_QUEUED
    assert [(want.attempt, want.requested_at) for want in look.wants] == [(2, "now")]


def test_an_image_that_vanished_is_built_again_when_a_person_asks() -> None:
    asked = {"annotations": {labels.REQUESTED_AT: "now"}}
    outside = Outside(builds=[a_build("Succeeded", digest=DIGEST)])
    look = a_look(outside, a_project(metadata=asked))
    assert reason_of(ask(look, desired())) == Reason.BUILD_QUEUED
    assert look.wants[0].attempt == 2


def test_a_registry_that_is_down_causes_no_build() -> None:
    outside = Outside()
    look = a_look(outside)
    reference = asyncio.run(look.reference(desired(), None))
    assert isinstance(reference, str)
    outside.images[reference] = DOWN
    assert ask(look, desired()) == DOWN
    assert look.wants == []


@pytest.mark.parametrize("word", ["[skip ci]", "[ci skip]", "[Skip CI]"])
def test_a_commit_that_wants_no_build_has_none(word: str) -> None:
    outside = Outside(sources={sha("a"): Source("tree", f"docs: a comma {word}\n")})
    look = a_look(outside)
    assert reason_of(ask(look, desired())) == Reason.BUILD_SKIPPED
    assert look.wants == []


def test_a_commit_that_wants_no_build_runs_what_the_registry_has_of_its_tree() -> None:
    outside = Outside(sources={sha("a"): Source("tree", "[skip ci]")})
    look = a_look(outside)
    reference = asyncio.run(look.reference(desired(), None))
    assert isinstance(reference, str)
    outside.images[reference] = IMAGE
    assert ask(look, desired()) == IMAGE


def test_why_a_build_can_not_begin_is_told_and_it_stays_wanted() -> None:
    outside = Outside()
    reference = asyncio.run(a_look(outside).reference(desired(), None))
    assert isinstance(reference, str)
    why = Blocked(Reason.NAMESPACE_CONFLICT, "it is not Kapsa's", stalled=True)
    given = a_project()
    outside.obstacles[given.metadata.uid, key_of(reference)] = why
    look = a_look(outside, given)
    assert ask(look, desired()) == why
    assert len(look.wants) == 1
    assert look.summary.failure == why


@pytest.mark.parametrize(
    ("around", "reason"),
    [
        ({"registry": None, "registry_problem": DOWN}, Reason.REGISTRY_UNREACHABLE),
        ({"registry": registry()}, Reason.REPOSITORY_NOT_ALLOWED),
    ],
    ids=["the Registry can't be used", "the Registry lets nobody push"],
)
def test_without_a_place_for_the_image_nothing_is_read_or_built(
    around: dict[str, Any], reason: Reason
) -> None:
    outside = Outside()
    look = a_look(outside, **around)
    assert reason_of(ask(look, desired())) == reason
    assert outside.reads == []


def test_a_repository_that_can_not_be_read_is_told() -> None:
    why = Blocked(Reason.CONTEXT_NOT_FOUND, "there is no directory web", stalled=True)
    outside = Outside(sources={sha("a"): why})
    assert ask(a_look(outside), desired()) == why


def test_permanent_environments_and_older_ones_are_wanted_first() -> None:
    look = a_look(Outside())
    existing = environment("shop-pr-2", metadata={"creationTimestamp": CREATED})
    ask(look, desired("shop-pr-3", "c"))
    ask(look, desired("shop-pr-2", "b"), existing)
    ask(look, desired("production", "a"))
    ordered = sorted(look.wants, key=lambda want: want.rank)
    assert [want.origin.environment for want in ordered] == ["production", "shop-pr-2", "shop-pr-3"]
