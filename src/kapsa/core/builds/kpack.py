"""Builds without a Dockerfile, by kpack."""

from collections.abc import Mapping, Sequence
from typing import Any

from kapsa.core.builds.kpack_status import read_build, read_image
from kapsa.core.builds.live import LiveBuild
from kapsa.core.builds.orders import BuildOrder, BuildSecrets
from kapsa.core.builds.strategies import Manifest
from kapsa.core.manifests.kpack_build import kpack_build
from kapsa.core.manifests.kpack_git_secret import kpack_git_secret
from kapsa.core.manifests.kpack_image import kpack_image
from kapsa.core.manifests.kpack_registry_secret import kpack_registry_secret
from kapsa.core.manifests.kpack_service_account import kpack_service_account


class Kpack:
    """The strategy `buildpack`: a Build where an image builds, an Image where a builder does."""

    def objects(self, order: BuildOrder, secrets: BuildSecrets) -> tuple[Manifest, ...]:
        """Return the Secrets, the ServiceAccount that names them, and the Build or Image.

        A Build whose ServiceAccount or Secret is missing fails at once: they come first.
        """
        builder = order.build.builder
        git = (kpack_git_secret(order, secrets),) if order.with_git_credentials else ()
        build = kpack_image(order, builder) if builder and builder.kind else kpack_build(order)
        return (
            kpack_registry_secret(order, secrets),
            *git,
            kpack_service_account(order),
            build,
        )

    def read(
        self, manifest: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]
    ) -> LiveBuild | None:
        """Return what a Build or Image, and its pods as the cache has trimmed them, say of a build.

        The Builds that kpack makes for an Image are none: they carry its labels, and other names.
        """
        if manifest["kind"] == "Build":
            return read_build(manifest, pods)
        return read_image(manifest, pods) if manifest["kind"] == "Image" else None
