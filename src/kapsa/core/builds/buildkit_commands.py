"""What the containers of a build with BuildKit run.

The scripts are constants: what a Project says is among the arguments that follow them, and never
read as a script.
"""

from typing import Final

from kapsa.core.builds.buildkit_files import CA, REGISTRY_DIRECTORY, SOURCE_DIRECTORY, registry_host
from kapsa.core.builds.orders import BuildOrder
from kapsa.core.workloads.literals import literal

_METADATA: Final = "/tmp/kapsa-metadata.json"  # noqa: S108 - in a container of its own
_CONTEXT: Final = f"{SOURCE_DIRECTORY}/context"
_LONG_AGO: Final = "315532801"
"""One second after 1980, as images of buildpacks have it: what is built of the same source has the
same time, whenever that is."""

_FETCH: Final = f"""\
set -eu
cd {SOURCE_DIRECTORY}
mkdir context
git init --quiet --bare repository
export GIT_DIR={SOURCE_DIRECTORY}/repository
git fetch --quiet --depth=1 --no-tags --no-recurse-submodules --end-of-options "$1" "$2"
git --work-tree=context read-tree "$3"
git --work-tree=context checkout-index --all
rm -rf repository
"""

_BUILD: Final = f"""\
buildctl-daemonless.sh "$@" && cat {_METADATA} >/dev/termination-log
"""
"""buildctl renames the file into place, and a mounted one, such as that of the termination message,
can't be replaced."""


def fetch_command() -> list[str]:
    """Return the command that fetches the source."""
    return ["sh", "-c", _FETCH, "kapsa-fetch"]


def fetch_args(order: BuildOrder) -> list[str]:
    """Return its arguments: repository, commit, and the tree that becomes the context.

    A tree is never reached through a symbolic link, so nothing but the repository's own files can
    be the context.
    """
    context = order.build.context or "."
    tree = order.commit if context == "." else f"{order.commit}:{context}"
    return [order.repository, order.commit, tree]


def build_command() -> list[str]:
    """Return the command that builds and pushes."""
    return ["sh", "-c", _BUILD, "kapsa-build"]


def build_args(order: BuildOrder) -> list[str]:
    """Return its arguments.

    Source: https://github.com/moby/buildkit/tree/v0.25.1#readme, and for reproducible images
    https://github.com/moby/buildkit/blob/v0.25.1/docs/build-repro.md
    """
    options = {
        "filename": order.build.dockerfile or "Dockerfile",
        "build-arg:SOURCE_DATE_EPOCH": _LONG_AGO,
        **{f"build-arg:{item.name}": item.value for item in order.build.args},
    }
    args = ["build", "--progress=plain", "--frontend=dockerfile.v0"]
    args += [f"--local={name}={_CONTEXT}" for name in ("context", "dockerfile")]
    args += [f"--opt={name}={literal(value)}" for name, value in options.items()]
    args.append(f"--output=type=image,name={order.image},push=true,rewrite-timestamp=true")
    if order.cache:
        args.append(f"--import-cache=type=registry,ref={order.cache}")
        args.append(f"--export-cache=type=registry,ref={order.cache},mode=max,ignore-error=true")
    if order.with_ca:
        host = registry_host(order.image)
        args.append(f"--registry-auth-tlscontext=host={host},ca={REGISTRY_DIRECTORY}/{CA}")
    return [*args, f"--metadata-file={_METADATA}"]
