"""Bearer tokens of registries: what they are good for, and for how long.

Source: https://distribution.github.io/distribution/spec/auth/jwt/
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from kapsa.core.images.rights import Right

_TOKEN = re.compile(r"[\x21-\x7e]+")
_DEFAULT_LIFETIME = 60.0
"""Seconds that a token is good for where the service doesn't say; the specification's number."""


@dataclass(frozen=True, repr=False)
class ScopedToken:
    """A bearer token for some repositories.

    Attributes:
        value: What follows `Bearer ` in an Authorization header.
        expires_in: Seconds for which it is good.
    """

    value: str
    expires_in: float

    def __repr__(self) -> str:
        """Show nothing of the token."""
        return f"ScopedToken(hidden, expires_in={self.expires_in:g})"

    @classmethod
    def of_answer(cls, value: dict[str, Any]) -> "ScopedToken | None":
        """Return the token in an answer of a token service; None where there is no usable one."""
        token = value.get("token") or value.get("access_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return None
        lifetime = value.get("expires_in")
        if isinstance(lifetime, int | float) and lifetime > 0:
            return cls(token, float(lifetime))
        return cls(token, _DEFAULT_LIFETIME)

    def grants(self, right: Right) -> bool | None:
        """Tell whether the token says that it is good for `right`; None where it says nothing.

        Its signature isn't checked: it is the registry that believes it or doesn't.
        """
        access = claims_of(self.value).get("access", ())
        if not isinstance(access, list):
            return None if access == () else False
        granted = [
            action
            for item in access
            if isinstance(item, dict)
            and (item.get("type"), item.get("name")) == ("repository", right.repository)
            and isinstance(item.get("actions"), list)
            for action in item["actions"]
        ]
        return "*" in granted or all(action in granted for action in right.actions)


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a JSON Web Token, unverified; nothing where it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
