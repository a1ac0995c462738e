"""Gateway API: its custom resources, without a controller."""

from __future__ import annotations

from lab.errors import LabError
from lab.platform import Platform

_RECIPE = "gateway-api-crds"


def install_gateway_api(platform: Platform) -> None:
    """Apply the CRDs of Gateway API's standard channel. Nothing leads requests along its routes.

    Raises:
        LabError: The laboratory's profile does not have them.
    """
    place = platform.artifact(_RECIPE)
    if place is None:
        raise LabError(f"The profile of this laboratory has no {_RECIPE}.")
    directory = str(place / "config" / "crd" / "standard")
    platform.kubectl("apply", "--server-side", "-f", directory)
    platform.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", directory)
