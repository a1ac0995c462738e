"""What must not show of a build's Secrets: all that the strategies put there."""

from base64 import b64encode
from typing import Any

import pytest

from kapsa.adapters.credentials import Credentials
from kapsa.core.builds.buildkit import BuildKit
from kapsa.core.builds.hidden import hidden_in
from kapsa.core.builds.kpack import Kpack
from kapsa.core.builds.orders import BuildSecrets
from kapsa.core.images.docker_config import docker_config, docker_config_with_token
from tests.orders import build_order

HOST = "registry.example.com"
GIT = Credentials("git", "git-password")
ROBOT = Credentials("robot", "push=pass:word")


def found(strategy: BuildKit | Kpack, secrets: BuildSecrets, **changes: Any) -> set[str]:
    name = "dockerfile" if isinstance(strategy, BuildKit) else "buildpack"
    objects = strategy.objects(build_order({"strategy": name}, **changes), secrets)
    made = [item for item in objects if item["kind"] == "Secret"]
    return {value for secret in made for value in hidden_in(secret)}


@pytest.mark.parametrize("strategy", [BuildKit(), Kpack()], ids=["buildkit", "kpack"])
def test_passwords_are_found_with_what_headers_make_of_them(strategy: BuildKit | Kpack) -> None:
    secrets = BuildSecrets(
        git_username=GIT.username,
        git_password=GIT.password,
        docker_config=docker_config(HOST, ROBOT.username, ROBOT.password),
    )
    values = found(strategy, secrets, with_git_credentials=True)
    assert values == {GIT.password, GIT.basic, ROBOT.password, ROBOT.basic}


@pytest.mark.parametrize("strategy", [BuildKit(), Kpack()], ids=["buildkit", "kpack"])
def test_the_token_of_the_build_is_found(strategy: BuildKit | Kpack) -> None:
    secrets = BuildSecrets(docker_config=docker_config_with_token(HOST, "the-token"))
    assert found(strategy, secrets, with_git_credentials=False) == {"the-token"}


@pytest.mark.parametrize("strategy", [BuildKit(), Kpack()], ids=["buildkit", "kpack"])
def test_a_user_name_that_is_the_token_is_found(strategy: BuildKit | Kpack) -> None:
    secrets = BuildSecrets(git_username="the-token", git_password="x-oauth-basic")
    assert "the-token" in found(strategy, secrets, with_git_credentials=True)


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"config.json": None},
        {"config.json": "no base64"},
        {"config.json": b64encode(b"\xff").decode()},
        {"config.json": b64encode(b"no json").decode()},
        {"config.json": b64encode(b"[]").decode()},
        {"config.json": b64encode(b'{"auths": ["robot"]}').decode()},
        {".dockerconfigjson": b64encode(b'{"auths": {"a": "b", "c": {"auth": null}}}').decode()},
        {"git-credentials": b64encode(b"password\n=\n").decode()},
    ],
)
def test_what_no_strategy_writes_holds_nothing(data: dict[str, Any] | None) -> None:
    assert hidden_in({"kind": "Secret", "data": data}) == ()
