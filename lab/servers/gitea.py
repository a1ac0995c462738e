"""Gitea: a real forge with private repositories, pull requests, labels and signed webhooks."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess

from lab.errors import ServerError
from lab.httpclient import answers
from lab.paths import write_private
from lab.servers import gitea_home
from lab.servers.base import Command, Server, clean_environment
from lab.site import Site

NAME = "gitea"
ADMIN = "kapsa-admin"
PASSWORD = "gitea-password"  # noqa: S105 - the name under which the secret is kept
TOKEN = "gitea-token"  # noqa: S105 - likewise

_INI = """\
APP_NAME = kapsa-lab
RUN_MODE = prod
WORK_PATH = {home}

[server]
PROTOCOL = http
HTTP_ADDR = {address}
HTTP_PORT = {port}
ROOT_URL = {url}/
STATIC_ROOT_PATH = {static}
APP_DATA_PATH = {home}/data
DISABLE_SSH = true
OFFLINE_MODE = true
LFS_START_SERVER = false

[database]
DB_TYPE = sqlite3
PATH = {home}/data/gitea.db
SQLITE_JOURNAL_MODE = WAL

[repository]
ROOT = {home}/repositories
DEFAULT_BRANCH = main

[security]
INSTALL_LOCK = true
SECRET_KEY = {secret_key}
INTERNAL_TOKEN = {internal_token}

[oauth2]
JWT_SECRET = {jwt_secret}

[service]
DISABLE_REGISTRATION = true

[webhook]
ALLOWED_HOST_LIST = *
DELIVER_TIMEOUT = 5

[indexer]
ISSUE_INDEXER_TYPE = db

[picture]
DISABLE_GRAVATAR = true

[actions]
ENABLED = false

[cron.update_checker]
ENABLED = false

[log]
MODE = console
LEVEL = Info
ROOT_PATH = {home}/log
"""


def url(site: Site) -> str:
    """Where the forge is, for pods too."""
    return f"http://{site.host(NAME)}"


def _command(site: Site) -> Command:
    if shutil.which("git") is None:
        raise ServerError("Gitea needs git on PATH. Install it (Debian: `apt install git`).")
    return _gitea(site, "web", "--config", _write_ini(site))


def _gitea(site: Site, *arguments: str) -> Command:
    program, _ = gitea_home.program(site)
    home = gitea_home.directory(site)
    env = {"HOME": str(home), "GITEA_WORK_DIR": str(home), "TMPDIR": str(home)}
    return Command((str(program), *arguments), env, gitea_home.user())


def _write_ini(site: Site) -> str:
    home = gitea_home.directory(site)
    _, static = gitea_home.program(site)
    jwt_secret = bytes.fromhex(site.secret("gitea-jwt")).ljust(32, b"\0")
    text = _INI.format(
        home=home,
        static=static,
        address=site.address,
        port=site.port(NAME),
        url=url(site),
        secret_key=site.secret("gitea-secret-key"),
        internal_token=site.secret("gitea-internal-token"),
        jwt_secret=base64.urlsafe_b64encode(jwt_secret).decode().rstrip("="),
    )
    return str(gitea_home.give(write_private(home / "app.ini", text)))


def _ready(site: Site) -> bool:
    return answers(f"{url(site)}/api/healthz")


def _configure(site: Site) -> None:
    """Makes the administrator. Gitea invents the password and the token, and prints them."""
    ini = str(gitea_home.directory(site) / "app.ini")
    command = _gitea(
        site,
        *("admin", "user", "create", "--config", ini, "--admin", f"--username={ADMIN}"),
        *(f"--email={ADMIN}@kapsa.invalid", "--must-change-password=false", "--random-password"),
        *("--access-token", "--access-token-name=lab", "--access-token-scopes=all"),
    )
    user = command.user
    done = subprocess.run(
        command.argv,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=gitea_home.directory(site),
        env={**clean_environment(site, NAME), **command.env},
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )
    password = re.search(r"generated random password is '([^']+)'", done.stdout)
    token = re.search(r"\b[0-9a-f]{40}\b", done.stdout)
    if done.returncode != 0 or password is None or token is None:
        raise ServerError(f"Gitea did not make its administrator: {done.stderr.strip()[-1000:]}")
    site.secrets[PASSWORD], site.secrets[TOKEN] = password[1], token[0]


GITEA = Server(NAME, (NAME,), (NAME,), _command, _ready, _configure, remove=gitea_home.remove)
