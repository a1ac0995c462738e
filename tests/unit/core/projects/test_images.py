"""Which image a commit needs."""

from dataclasses import replace

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.projects.images import (
    BuildInput,
    ImageChoice,
    choose_image,
    decide_build,
    expand_template,
    remembered_image,
)
from kapsa.core.projects.plans import DesiredEnvironment, Target
from kapsa.models import Environment
from kapsa.models.project_status import Available
from kapsa.models.reasons import Reason
from kapsa.models.runtime import Runtime
from kapsa.utils.names import slug
from tests.builders import environment, project, sha

SHA = sha("abcdefgh")
KNOWN = BuildInput(
    commit=SHA,
    reference="registry.example.com/shop:a",
    current_commit=SHA,
    current_reference="registry.example.com/shop:a",
    current_image="registry.example.com/shop@sha256:1",
)


@pytest.mark.parametrize(
    ("known", "reasons"),
    [
        pytest.param(KNOWN, None, id="a-digest-that-was-found-is-kept-for-good"),
        pytest.param(
            replace(KNOWN, current_commit=sha("b")), ["the commit is new"], id="a-new-commit"
        ),
        pytest.param(
            replace(KNOWN, current_reference=""), ["the image's tag is new"], id="another-template"
        ),
        pytest.param(
            replace(KNOWN, current_image=""), ["the image was not found yet"], id="none-so-far"
        ),
        pytest.param(
            replace(KNOWN, current_commit=sha("b"), follows_tag=True),
            ["the commit is new"],
            id="a-new-commit-of-a-tag-that-may-move",
        ),
        pytest.param(
            BuildInput(commit=SHA, reference="x"),
            ["the commit is new", "the image's tag is new", "the image was not found yet"],
            id="a-new-environment",
        ),
    ],
)
def test_decide_build(known: BuildInput, reasons: list[str] | None) -> None:
    decision = decide_build(known)

    assert decision.required == (reasons is not None)
    assert decision.image == ("" if reasons else known.current_image)
    assert list(decision.reasons) == (reasons or ["the image of this commit is known"])


def test_a_tag_that_may_have_moved_is_looked_up_and_the_image_of_before_kept_meanwhile() -> None:
    decision = decide_build(replace(KNOWN, follows_tag=True))

    assert (decision.required, decision.image) == (True, KNOWN.current_image)
    assert decision.reasons == ("the image's tag may have moved",)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("r.example.com/shop:{sha}", f"r.example.com/shop:{SHA}", id="commit"),
        pytest.param("r.example.com/shop:{shortSha}", f"r.example.com/shop:{SHA[:7]}", id="short"),
        pytest.param(
            "r.example.com/shop:{branch}",
            f"r.example.com/shop:{slug('feature/Log-in')}",
            id="branch-as-its-slug",
        ),
        pytest.param("r.example.com/shop:pr-{pr}", "r.example.com/shop:pr-7", id="pull-request"),
        pytest.param("r.example.com/shop:v1", "r.example.com/shop:v1", id="nothing-to-fill-in"),
        pytest.param(
            "r.example.com:5000/shop:{pr}-{sha}-{pr}",
            f"r.example.com:5000/shop:7-{SHA}-7",
            id="several",
        ),
    ],
)
def test_expand_template(template: str, expected: str) -> None:
    assert expand_template(template, sha=SHA, branch="feature/Log-in", pr=7) == expected


def test_a_template_of_pull_requests_has_no_image_for_a_branch() -> None:
    found = expand_template("r.example.com/shop:{pr}", sha=SHA, branch="main", pr=0)

    assert isinstance(found, Blocked)
    assert (found.reason, found.stalled) == (Reason.TEMPLATE_NEEDS_PULL_REQUEST, True)


def test_a_template_of_branches_has_no_image_without_a_branch_or_tag() -> None:
    found = expand_template("r.example.com/shop:{branch}", sha=SHA, branch="", pr=7)

    assert isinstance(found, Blocked)
    assert (found.reason, found.stalled) == (Reason.TEMPLATE_NEEDS_BRANCH, True)


@pytest.mark.parametrize(
    ("template", "commit"),
    [
        pytest.param("r.example.com/shop:" + "{sha}" * 4, SHA, id="a-tag-that-is-too-long"),
        pytest.param("r.example.com/shop:{sha}", "", id="an-empty-tag"),
    ],
)
def test_a_template_that_gives_no_image_says_so(template: str, commit: str) -> None:
    found = expand_template(template, sha=commit, branch="main", pr=0)

    assert isinstance(found, Blocked)
    assert (found.reason, found.stalled) == (Reason.INVALID_SPEC, True)
    assert "spec.build.image" in found.message


TEMPLATE = "r.example.com/shop:{branch}-{shortSha}"
IMAGE = f"r.example.com/shop@sha256:{'ab' * 32}"
REFERENCE = f"r.example.com/shop:main-{SHA[:7]}"
LOOKED_UP = environment(
    commit=SHA,
    image=IMAGE,
    metadata={"annotations": {"kapsa-project.io/image-reference": REFERENCE}},
)
MAIN = Target(SHA, branch="main")
NOTHING = Blocked(Reason.NOTHING_TO_PROMOTE, "not yet")


@pytest.mark.parametrize(
    ("target", "existing", "expected"),
    [
        pytest.param(MAIN, None, ImageChoice(None, REFERENCE), id="a-new-one-is-looked-up"),
        pytest.param(MAIN, LOOKED_UP, ImageChoice(IMAGE, REFERENCE), id="one-that-was-is-kept"),
        pytest.param(
            Target(SHA, tag="v1.0"),
            LOOKED_UP,
            ImageChoice(None, f"r.example.com/shop:{slug('v1.0')}-{SHA[:7]}"),
            id="a-tag-takes-the-place-of-the-branch",
        ),
        pytest.param(
            Target(sha("b"), image=IMAGE), None, ImageChoice(IMAGE), id="a-digest-needs-no-tag"
        ),
        pytest.param(
            Target(sha("b"), image=IMAGE),
            LOOKED_UP,
            ImageChoice(IMAGE, REFERENCE),
            id="but-keeps-the-tag-that-it-was-looked-up-by",
        ),
        pytest.param(
            Target(SHA, image=f"{IMAGE[:-1]}0"),
            LOOKED_UP,
            ImageChoice(f"{IMAGE[:-1]}0"),
            id="another-digest-does-not",
        ),
        pytest.param(
            Target(SHA, image=NOTHING), LOOKED_UP, ImageChoice(NOTHING), id="why-there-is-none"
        ),
    ],
)
def test_choose_image(target: Target, existing: Environment | None, expected: ImageChoice) -> None:
    identity = ("permanent", "production")
    desired = DesiredEnvironment(identity, "production", "a", "b", target, Runtime())

    assert choose_image(project(build={"image": TEMPLATE}), desired, existing) == expected


def test_without_branch_and_tag_the_choice_says_why_there_is_no_image() -> None:
    desired = DesiredEnvironment(("permanent", "a"), "a", "a", "b", Target(SHA), Runtime())

    choice = choose_image(project(build={"image": TEMPLATE}), desired, None)

    assert isinstance(choice.image, Blocked)
    assert (choice.image.reason, choice.reference) == (Reason.TEMPLATE_NEEDS_BRANCH, "")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(Available(commit=SHA, image=IMAGE), IMAGE, id="found-before"),
        pytest.param(Available(commit=SHA), "", id="not-found-yet"),
        pytest.param(Available(commit=sha("b"), image=IMAGE), "", id="of-another-commit"),
        pytest.param(
            Available(commit=SHA, image=IMAGE.replace("shop", "shop2")),
            "",
            id="of-another-template",
        ),
        pytest.param(None, "", id="never-offered"),
    ],
)
def test_remembered_image(before: Available | None, expected: str) -> None:
    assert remembered_image(before, SHA, REFERENCE) == expected
