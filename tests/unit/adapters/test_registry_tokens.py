"""What a bearer token says of itself."""

from typing import Any

import pytest

from kapsa.adapters.registry_tokens import ScopedToken
from kapsa.core.images.rights import PUSH, Right
from tests.unit.adapters.registry_rig import jwt

SHOP = Right("acme/shop", PUSH)


def access(*actions: Any, name: str = "acme/shop", type_: str = "repository") -> dict[str, Any]:
    return {"access": [{"type": type_, "name": name, "actions": list(actions)}]}


@pytest.mark.parametrize(
    ("token", "granted"),
    [
        pytest.param(jwt(access("pull", "push")), True, id="both"),
        pytest.param(jwt(access("pull", "push", "delete")), True, id="more"),
        pytest.param(jwt(access("*")), True, id="everything"),
        pytest.param(jwt(access("pull")), False, id="less"),
        pytest.param(jwt(access()), False, id="nothing"),
        pytest.param(jwt({"access": []}), False, id="no-repository"),
        pytest.param(jwt({"access": None}), False, id="null"),
        pytest.param(jwt(access("pull", "push", name="acme/blog")), False, id="another"),
        pytest.param(jwt(access("pull", "push", type_="registry")), False, id="another-type"),
        pytest.param(jwt(access({}, [])), False, id="odd-actions"),
        pytest.param(jwt({"access": [7, {"type": "repository"}]}), False, id="odd-entries"),
        pytest.param(jwt({"sub": "ada"}), None, id="silent"),
        pytest.param("opaque", None, id="opaque"),
        pytest.param("a.b.c", None, id="no-json"),
        pytest.param("e30.W10.e30", None, id="no-object"),
    ],
)
def test_a_token_says_what_it_is_good_for(token: str, granted: bool | None) -> None:
    assert ScopedToken(token, 60.0).grants(SHOP) is granted


@pytest.mark.parametrize(
    ("lifetime", "seconds"), [(300, 300.0), (0, 60.0), (-1, 60.0), ("300", 60.0), (None, 60.0)]
)
def test_a_token_is_good_for_a_minute_where_nothing_is_said(
    lifetime: object, seconds: float
) -> None:
    token = ScopedToken.of_answer({"token": "x", "expires_in": lifetime})
    assert token is not None
    assert token.expires_in == seconds
