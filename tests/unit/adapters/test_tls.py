"""Certificates of authorities come out of Secrets."""

import base64

import pytest

from kapsa.adapters.errors import Stalled
from kapsa.adapters.tls import authorities_in, context_of


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, "it needs the key ca.crt"),
        ({"ca.crt": ""}, "is empty"),
        ({"ca.crt": base64.b64encode(b" \n").decode()}, "is no certificate"),
        ({"ca.crt": base64.b64encode(b"hello").decode()}, "is no certificate"),
        ({"ca.crt": base64.b64encode(b"\xff").decode()}, "is no certificate"),
        ({"ca.crt": "%"}, "is no certificate"),
        ({"ca.crt": 7}, "is no certificate"),
    ],
)
def test_a_secret_without_certificates_says_so(data: dict[str, str], problem: str) -> None:
    with pytest.raises(Stalled, match=problem) as raised:
        authorities_in({"data": data}, "kapsa/ca")
    assert raised.value.reason == "SecretInvalid"
    assert "kapsa/ca" in raised.value.message


def test_without_certificates_the_public_ones_are_meant() -> None:
    assert context_of("") is None
