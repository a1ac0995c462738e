"""What the objects of a build with kpack have in common.

Source: https://github.com/buildpacks-community/kpack/tree/v0.10.1/pkg/apis/build/v1alpha2
"""

from typing import Any, Final

from kapsa.core.builds.orders import BuildOrder

API_VERSION: Final = "kpack.io/v1alpha2"


def git_secret_name(order: BuildOrder) -> str:
    """Return the name of the Secret with the credentials of the repository.

    No build is called so: their names end with a digest.
    """
    return f"{order.name}-git"


def source(order: BuildOrder) -> dict[str, Any]:
    """Return what is built: `source` of a Build or Image."""
    git = {"url": order.repository, "revision": order.commit}
    context = order.build.context or "."
    return {"git": git} if context == "." else {"git": git, "subPath": context}


def variables(order: BuildOrder) -> list[dict[str, str]]:
    """Return the environment of the buildpacks: `env` of a Build or Image."""
    return [
        {"name": item.name} | ({"value": item.value} if item.value else {})
        for item in order.build.env
    ]


def cache_image(order: BuildOrder) -> str:
    """Return where layers of earlier builds are kept; nothing for nowhere.

    It is no tag of BuildKit's: the form is another.
    """
    return f"{order.cache}-buildpacks" if order.cache else ""
