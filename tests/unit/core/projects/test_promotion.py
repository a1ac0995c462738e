"""Promotion and rollback: which image, and of which commit."""

from typing import Any

import pytest

from kapsa.core.projects import promotion
from kapsa.core.projects.naming import BRANCH, PERMANENT, PULL_REQUEST
from kapsa.core.projects.promotion import Pin, PromotionError
from kapsa.models.environment import Environment
from tests.builders import CREATED, condition, environment, project, sha

SHOP = project(
    environments=[
        {"name": "staging", "tag": "v*"},
        {"name": "production", "branch": "main"},
        {"name": "archive", "promoteFrom": "production"},
    ]
)


def image(name: str) -> str:
    return f"registry.example.com/acme/shop@sha256:{name.encode().hex().ljust(64, '0')}"


def entry(name: str, result: str = "Succeeded", commit: str | None = None) -> dict[str, Any]:
    known = sha(name) if commit is None else commit
    return {"commit": known, "image": image(name), "startedAt": CREATED, "result": result}


def ran(*history: dict[str, Any]) -> Environment:
    return environment("shop-production", status={"history": list(history)})


def running(ready: str = "True", observed: int = 1, **status: Any) -> Environment:
    said = condition("Ready", ready, "WorkloadFailed", "it crashes") | {
        "observedGeneration": observed
    }
    facts = {"image": image("a"), "commit": sha("a"), "conditions": [said]} | status
    return environment("shop-staging", metadata={"generation": 1}, status=facts)


def refusal_of(source: Environment) -> str:
    with pytest.raises(PromotionError) as caught:
        promotion.proven(source)
    return str(caught.value)


# What is promoted


def test_what_runs_and_is_ready_is_promoted_with_its_commit() -> None:
    assert promotion.proven(running()) == Pin(image("a"), sha("a"))


def test_an_image_whose_commit_nobody_knows_is_promoted_without_one() -> None:
    assert promotion.proven(running(commit="")) == Pin(image("a"))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (running("False"), "is not Ready, so what it runs has proved nothing: WorkloadFailed: it"),
        (running(conditions=[]), "is not Ready with that yet"),
        (running(observed=0), "has changed and is not Ready with that yet"),
        (running(image=""), "is not Ready"),
        (running(image="registry.example.com/acme/shop:1"), "by a tag"),
        (environment(metadata={"deletionTimestamp": CREATED}), "is being deleted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_not_proved_itself_is_not_promoted(source: Environment, said: str) -> None:
    assert said in refusal_of(source)


# Where it goes back to


@pytest.mark.parametrize(
    ("history", "told", "expected"),
    [
        pytest.param(("b", "a"), "b", "a", id="the roll-out before"),
        pytest.param(("b", "b", "a"), "b", "a", id="no roll-out of the same image"),
        pytest.param(("a", "b", "a"), "a", "b", id="a second time, where it came from"),
        pytest.param(("b", "a"), "c", "b", id="the newest, where another is only told yet"),
    ],
)
def test_it_goes_back_to_the_newest_other_image(
    history: tuple[str, ...], told: str, expected: str
) -> None:
    found = promotion.former(ran(*map(entry, history)), image(told))
    assert found == Pin(image(expected), sha(expected))


def test_it_goes_back_to_nothing_that_did_not_succeed() -> None:
    known = ran(entry("d", "Running"), entry("c", "Failed"), entry("b", "Superseded"), entry("a"))
    assert promotion.former(known, image("d")).commit == sha("a")


def test_while_the_new_image_fails_it_goes_back_to_what_still_serves() -> None:
    known = ran(entry("b", "Failed"), entry("a"))
    assert promotion.former(known, image("b")).image == image("a")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (sha("b"), "b"),
        (sha("b")[:4], "b"),
        (image("b").partition("@")[2], "b"),
        (image("b").partition("@")[2][:12], "b"),
    ],
)
def test_a_commit_or_digest_is_named_by_its_beginning(version: str, expected: str) -> None:
    known = ran(entry("c"), entry("b"), entry("a"))
    assert promotion.former(known, image("c"), version) == Pin(image(expected), sha(expected))


def test_of_several_images_of_one_commit_the_newest_that_succeeded_is_meant() -> None:
    known = ran(entry("c", "Failed", sha("x")), entry("b", commit=sha("x")), entry("a"))
    assert promotion.former(known, "", sha("x")[:7]).image == image("b")


def test_a_commit_that_is_named_may_have_failed_and_says_so() -> None:
    known = ran(entry("b"), entry("a", "Failed"))
    assert promotion.former(known, image("b"), sha("a")[:7]).result == "Failed"


@pytest.mark.parametrize(
    ("history", "version", "said"),
    [
        ((), "", "has run no other image successfully; its history is empty"),
        ((entry("a"),), "", f"its history has {sha('a')[:7]} (Succeeded)"),
        ((entry("a", "Failed", ""),), "", "its history has sha256:610000000000 (Failed)"),
        ((entry("a"),), "beef", "has no roll-out of beef; its history has"),
        ((entry("a"),), "abc", "at least 4 hexadecimal digits"),
        ((entry("a"),), "HEAD~1", "no beginning of a commit"),
        (
            (entry("a", commit="abcd1" + "0" * 35), entry("b", commit="abcd2" + "0" * 35)),
            "abcd",
            "means several roll-outs of Environment team-a/shop-production",
        ),
    ],
)
def test_where_nothing_is_meant_it_says_what_there_is(
    history: tuple[dict[str, Any], ...], version: str, said: str
) -> None:
    with pytest.raises(PromotionError) as caught:
        promotion.former(ran(*history), image("a"), version)
    assert said in str(caught.value)


# What names mean


@pytest.mark.parametrize(
    ("name", "identity", "usual"),
    [
        ("production", (PERMANENT, "production"), "shop-production"),
        ("pr-42", (PULL_REQUEST, "42"), "shop-pr-42"),
        ("preview/x", (BRANCH, "preview/x"), "shop-preview-x-"),
    ],
)
def test_a_name_means_an_environment(name: str, identity: tuple[str, str], usual: str) -> None:
    assert promotion.identity_of(SHOP, name) == identity
    first, second = promotion.usual_names(SHOP, identity)
    assert first.startswith(usual)
    assert second != first


def test_only_a_permanent_environment_can_be_told() -> None:
    assert promotion.permanent(SHOP, "staging").tag == "v*"
    with pytest.raises(
        PromotionError, match=r"no permanent environment pr-7; it has staging, prod"
    ):
        promotion.permanent(SHOP, "pr-7")
    with pytest.raises(PromotionError, match=r"spec\.environments is empty"):
        promotion.permanent(project(), "production")


def test_it_says_what_an_environment_follows() -> None:
    said = [promotion.followed(item) for item in SHOP.spec.environments]
    assert said == ["the tags v*", "branch main", "environment production"]
