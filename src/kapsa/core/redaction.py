"""What must not show of what an application says: its Secrets, in the forms that programs write."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

from kapsa.models.container import EnvironmentVariable

_SECRET_NAME: Final = re.compile("SECRET|TOKEN|PASSW|PASSPHRASE|CREDENTIAL|KEY", re.IGNORECASE)
_SHORTEST_SECRET: Final = 6


def secret_variables(variables: Iterable[EnvironmentVariable]) -> Iterator[str]:
    """Yield the values of variables that are called like secrets."""
    for item in variables:
        if _SECRET_NAME.search(item.name) and len(item.value) >= _SHORTEST_SECRET:
            yield item.value


def all_forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return secrets in all forms that `forms` yields of each."""
    return tuple(form for secret in secrets for form in forms(secret))


def forms(secret: str) -> Iterator[str]:
    """Yield a secret as programs write it."""
    yield secret
    yield quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
    yield b64encode(secret.encode()).decode().rstrip("=")
