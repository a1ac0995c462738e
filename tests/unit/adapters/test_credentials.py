"""Credentials come out of Secrets, and nothing else shows them."""

import base64
import json
import pickle
import traceback
from typing import Any

import pytest

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

CANARY = "canary-5up3r-s3cret"


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def secret(**data: str | bytes) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "shop", "name": "pull"},
        "data": {key: encoded(value) for key, value in data.items()},
    }


def docker_secret(config: Any) -> dict[str, Any]:
    text = config if isinstance(config, str) else json.dumps(config)
    return secret(**{".dockerconfigjson": text})


def test_a_basic_auth_secret_gives_user_and_password() -> None:
    found = Credentials.from_secret(secret(username="ada", password=CANARY), "shop/git")

    assert found == Credentials("ada", CANARY)


def test_a_token_is_a_password_and_its_final_newline_is_dropped() -> None:
    found = Credentials.from_secret(secret(token=CANARY + "\n"), "shop/git")

    assert found == Credentials("x-access-token", CANARY)


def test_username_and_password_win_over_a_token() -> None:
    found = Credentials.from_secret(secret(username="ada", password="p", token="t"), "shop/git")

    assert found == Credentials("ada", "p")


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"data": None},
        secret(username="ada"),
        secret(password=CANARY),
        secret(token=""),
        secret(token="\n"),
        secret(username="a:b", password=CANARY),
        secret(username="ada", password=CANARY + "\nx"),
        secret(username="ada\r", password=CANARY + "\x00"),
        secret(token=CANARY.encode() + b"\xff"),
        secret(token=CANARY * 1000),
        {"data": {"token": CANARY + "!"}},
        {"data": {"token": 7}},
    ],
)
def test_a_secret_that_does_not_fit_is_named_and_not_shown(broken: dict[str, Any]) -> None:
    with pytest.raises(Stalled, match="shop/git") as stalled:
        Credentials.from_secret(broken, "shop/git")

    shown = "".join(traceback.format_exception(stalled.value))
    assert stalled.value.reason == Reason.SECRET_INVALID
    assert CANARY not in shown
    assert "canary" not in repr(stalled.value)


def test_a_secret_without_keys_names_those_that_are_expected() -> None:
    with pytest.raises(Stalled, match="username and password, or the key token"):
        Credentials.from_secret(secret(other="x"), "shop/git")


@pytest.mark.parametrize(
    ("key", "endpoint"),
    [
        ("reg.example:5000", "reg.example:5000"),
        ("https://reg.example", "reg.example"),
        ("https://reg.example/v1/", "REG.example"),
        ("http://reg.example/v2", "reg.example"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "registry-1.docker.io"),
    ],
)
def test_a_docker_config_is_found_by_host(key: str, endpoint: str) -> None:
    packed = docker_secret({"auths": {"other": {}, key: {"auth": encoded(f"ada:{CANARY}:x")}}})

    assert Credentials.from_docker_config(packed, endpoint) == Credentials("ada", f"{CANARY}:x")


def test_a_docker_config_may_hold_user_and_password_apart() -> None:
    packed = docker_secret({"auths": {"reg.example": {"username": "ada", "password": CANARY}}})

    assert Credentials.from_docker_config(packed, "reg.example") == Credentials("ada", CANARY)


@pytest.mark.parametrize(
    "broken",
    [
        secret(other="x"),
        docker_secret(f'{{"auths": {CANARY}'),
        docker_secret([CANARY]),
        docker_secret({"auths": [CANARY]}),
        docker_secret({"auths": {"elsewhere": {"auth": encoded(CANARY)}}}),
        docker_secret({"auths": {"reg.example/team": {"auth": encoded(f"a:{CANARY}")}}}),
        docker_secret({"auths": {"reg.example": CANARY}}),
        docker_secret({"auths": {"reg.example": {"auth": CANARY + "%"}}}),
        docker_secret({"auths": {"reg.example": {"auth": encoded(CANARY)}}}),
        docker_secret({"auths": {"reg.example": {"identitytoken": CANARY}}}),
    ],
)
def test_a_docker_config_that_does_not_fit_is_named_and_not_shown(broken: dict[str, Any]) -> None:
    with pytest.raises(Stalled, match="shop/pull") as stalled:
        Credentials.from_docker_config(broken, "reg.example")

    assert stalled.value.reason == Reason.SECRET_INVALID
    assert CANARY not in "".join(traceback.format_exception(stalled.value))


def test_a_registry_takes_secrets_of_either_type() -> None:
    packed = docker_secret({"auths": {"reg.example": {"auth": encoded("ada:p")}}})

    assert Credentials.for_registry(packed, "reg.example") == Credentials("ada", "p")
    assert Credentials.for_registry(secret(username="ada", password="p"), "x") == Credentials(
        "ada", "p"
    )


def test_nothing_that_prints_credentials_shows_them() -> None:
    credentials = Credentials("ada-canary", CANARY)

    for shown in (repr(credentials), str(credentials), f"{credentials}", repr([credentials])):
        assert "canary" not in shown
    assert pickle.loads(pickle.dumps(credentials)) == credentials


def test_the_digest_tells_credentials_apart_without_showing_them() -> None:
    digests = {
        Credentials(user, password).digest
        for user, password in [("a", "bc"), ("ab", "c"), ("a", "bd")]
    }

    assert len(digests) == 3
    assert all(len(digest) == 16 for digest in digests)
    assert Credentials("a", "bc").digest in digests


def test_what_headers_carry_is_redacted_too() -> None:
    credentials = Credentials("ada", CANARY)
    text = f"{CANARY} Basic {credentials.basic} {encoded(CANARY)}"

    shown = sanitise(text, secrets=credentials.secrets)

    assert shown == "[redacted] Basic [redacted] [redacted]"
    assert CANARY in Credentials(CANARY, "x-oauth-basic").secrets
