"""What is built, as a key: the same source and the same instructions give the same image.

The image is pushed under a tag made of the key. So the registry remembers what was built, for all
commits, environments and operators; where the tag exists, nothing is built.
"""

from collections.abc import Iterable
from typing import Final

from kapsa.core.projects.filters import matches
from kapsa.models.build import Build, BuildVariable
from kapsa.utils.hashing import value_digest

_TAG_PREFIX: Final = "kapsa-"
_CACHE_TAG: Final = "kapsa-cache"
_SPEC_DIGITS: Final = 12
_SOURCE_DIGITS: Final = 28

File = tuple[str, str]
"""Path of a file inside the context, and the name of the object that it is."""


def source_digest(tree: str, files: Iterable[File], build: Build) -> str:
    """Return a digest of what matters of the source.

    Args:
        tree: Object name of the context's git tree.
        files: All files of the context; they are not needed where the build names no `paths`.
        build: What the Project says about the build.
    """
    if not names_paths(build):
        return value_digest(tree, _SOURCE_DIGITS)
    include, exclude = build.paths.include, build.paths.exclude
    kept = sorted(item for item in files if matches(item[0], include, exclude))
    return value_digest(kept, _SOURCE_DIGITS)


def names_paths(build: Build) -> bool:
    """Tell whether only some of the context's files matter."""
    return bool(build.paths.include or build.paths.exclude)


def build_key(build: Build, source: str) -> str:
    """Return the key of a build: 41 characters that fit into a label and into a tag.

    Args:
        build: What the Project says about the build.
        source: What `source_digest` returned.
    """
    return f"{_spec_digest(build)}-{source}"


def reference_of(repository: str, key: str) -> str:
    """Return the tag that the image of a key has: `<repository>:kapsa-<key>`."""
    return f"{repository}:{_TAG_PREFIX}{key}"


def key_of(reference: str) -> str:
    """Return the key in a tag that `reference_of` gave."""
    return reference.rpartition(f":{_TAG_PREFIX}")[2]


def cache_of(repository: str) -> str:
    """Return the tag under which the layers of earlier builds are kept."""
    return f"{repository}:{_CACHE_TAG}"


def is_built_so(reference: str, repository: str, build: Build) -> bool:
    """Tell whether a tag is one of that repository, of whatever source, built by these words."""
    return reference.startswith(f"{repository}:{_TAG_PREFIX}{_spec_digest(build)}-")


def _spec_digest(build: Build) -> str:
    """Return a digest of what the Project says about the build, as far as the image shows it."""
    return value_digest(
        {
            "strategy": build.strategy,
            "dockerfile": build.dockerfile or "Dockerfile",
            "context": build.context or ".",
            "args": _pairs(build.args),
            "env": _pairs(build.env),
            "builder": build.builder.to_json() if build.builder else None,
            "paths": build.paths.to_json(),
        },
        _SPEC_DIGITS,
    )


def _pairs(variables: Iterable[BuildVariable]) -> list[list[str]]:
    return sorted([item.name, item.value] for item in variables)
