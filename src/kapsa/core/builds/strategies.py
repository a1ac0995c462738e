"""What every way to build an image offers."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from kapsa.core.builds.live import LiveBuild
from kapsa.core.builds.orders import BuildOrder, BuildSecrets

Manifest = dict[str, Any]


class Strategy(Protocol):
    """Turns orders into objects of the cluster, and those into what is known of a build."""

    def objects(self, order: BuildOrder, secrets: BuildSecrets) -> tuple[Manifest, ...]:
        """Return whole objects in the order in which they are to be applied, the build last.

        All are in the namespace of builds and carry `kapsa.core.builds.metadata.metadata`. What is
        beside the build is deleted as soon as the build has ended.
        """

    def read(
        self, manifest: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]
    ) -> LiveBuild | None:
        """Return what an object says of the build that it is; None where it is none.

        Args:
            manifest: An object in the namespace of builds.
            pods: Its pods, as far as they are known.
        """
