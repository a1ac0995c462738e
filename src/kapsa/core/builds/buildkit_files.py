"""What a build with BuildKit finds as files, and where: secrets never are arguments or variables.

BuildKit could fetch the source by itself, but hands git the password as an argument, which whatever
a Dockerfile runs beside it can read in `/proc`. So a container that knows nothing else fetches the
source first, and the one that runs the Dockerfile never gets to see the password of the repository.

Source: https://github.com/moby/buildkit/blob/v0.25.1/source/git/source.go (`getAuthToken`)
"""

from typing import Final
from urllib.parse import urlsplit

from kapsa.core.builds.orders import BuildOrder, BuildSecrets

GIT_DIRECTORY: Final = "/kapsa/git"
"""Where the container that fetches the source has git's configuration."""
REGISTRY_DIRECTORY: Final = "/kapsa/registry"
"""Where the container that builds has what it needs to know of the registry."""
SOURCE_DIRECTORY: Final = "/kapsa/source"
"""Where the one puts the source, and the other finds it."""

GIT_CONFIG: Final = "gitconfig"
GIT_CREDENTIALS: Final = "git-credentials"
DOCKER_CONFIG: Final = "config.json"
BUILDKITD_CONFIG: Final = "buildkitd.toml"
CA: Final = "ca.crt"


def registry_host(reference: str) -> str:
    """Return `host[:port]` of an image."""
    return reference.partition("/")[0]


def files(order: BuildOrder, secrets: BuildSecrets) -> dict[str, str]:
    """Return all files of a build by their names."""
    wanted = {
        GIT_CONFIG: git_config(order),
        GIT_CREDENTIALS: git_credentials(order, secrets),
        DOCKER_CONFIG: secrets.docker_config or "{}",
        BUILDKITD_CONFIG: buildkitd_config(order),
    }
    return wanted | ({CA: secrets.ca} if order.with_ca else {})


def git_config(order: BuildOrder) -> str:
    """Return git's configuration: the repository's host is told the password if it asks, no other.

    Source: https://git-scm.com/docs/gitcredentials
    """
    url = urlsplit(order.repository)
    return (
        "[http]\n"
        "\tfollowRedirects = false\n"
        f'[credential "{url.scheme}://{url.netloc}"]\n'
        f'\thelper = "!cat {GIT_DIRECTORY}/{GIT_CREDENTIALS}; :"\n'
    )


def git_credentials(order: BuildOrder, secrets: BuildSecrets) -> str:
    """Return what git's helper answers; nothing for a repository that needs no password."""
    if not order.with_git_credentials:
        return ""
    return f"username={secrets.git_username}\npassword={secrets.git_password}\n"


def buildkitd_config(order: BuildOrder) -> str:
    """Return how the registry is spoken to, where that isn't https with a public certificate.

    Source: https://github.com/moby/buildkit/blob/v0.25.1/docs/buildkitd.toml.md
    """
    lines = [f'[registry."{registry_host(order.image)}"]']
    if order.insecure:
        lines.append("  http = true")
    if order.with_ca:
        lines.append(f'  ca = ["{REGISTRY_DIRECTORY}/{CA}"]')
    return "\n".join(lines) + "\n" if len(lines) > 1 else ""
