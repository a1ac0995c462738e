"""The operator as it is installed without extras: what development needs would weigh on it.

The Kubernetes client, for one, loads Google's library where that is installed.
"""

from __future__ import annotations

import os
import subprocess
from typing import Final

from lab.errors import LabError
from lab.operator import PROJECT_ROOT

_DIRECTORY: Final = PROJECT_ROOT / ".venv-installed"
_UV: Final = PROJECT_ROOT / ".venv/bin/uv"


def installed_operator() -> tuple[str, ...]:
    """Install Kapsa with what it depends on and nothing else; return the command that runs it.

    Raises:
        LabError: It could not be installed.
    """
    options = ("sync", "--locked", "--no-default-groups", "--quiet")
    environment = os.environ | {"UV_PROJECT_ENVIRONMENT": str(_DIRECTORY)}
    done = subprocess.run(
        [str(_UV), *options],
        cwd=PROJECT_ROOT,
        env=environment,
        check=False,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode != 0:
        raise LabError(f"Kapsa was not installed in {_DIRECTORY}: {done.stderr.strip()}")
    return (str(_DIRECTORY / "bin/python"), "-m", "kapsa", "run")
