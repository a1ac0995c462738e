"""A config.json says who one is to one registry."""

import base64
import json

import pytest

from kapsa.adapters.credentials import Credentials
from kapsa.core.images.docker_config import docker_config, docker_config_with_token


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "endpoint", ["harbor.example.com", "localhost:5000", "docker.io", "Harbor.Example.com"]
)
def test_what_is_written_is_what_kapsa_itself_reads(endpoint: str) -> None:
    text = docker_config(endpoint, "robot$kapsa", "pä:ss")
    secret = {"data": {".dockerconfigjson": packed(text)}}
    assert Credentials.for_registry(secret, endpoint) == Credentials("robot$kapsa", "pä:ss")


def test_docker_hub_has_the_key_that_tools_look_for() -> None:
    assert list(json.loads(docker_config("docker.io", "a", "b"))["auths"]) == [
        "https://index.docker.io/v1/"
    ]


def test_a_token_is_given_as_it_is() -> None:
    text = docker_config_with_token("harbor.example.com", "e30.e30.e30")
    assert text == '{"auths":{"harbor.example.com":{"registrytoken":"e30.e30.e30"}}}'
