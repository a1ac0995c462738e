"""Which image a commit needs."""

from dataclasses import replace

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.images import BuildInput, decide_build, expand_template
from kapsa.models.reasons import Reason
from kapsa.utils.names import slug
from tests.builders import sha

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
