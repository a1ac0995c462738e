"""kpack's Build: one run of the buildpacks of a builder's image.

Source: https://github.com/buildpacks-community/kpack/blob/v0.10.1/docs/build.md
"""

from typing import Any

from kapsa.core.builds.amounts import resources
from kapsa.core.builds.kpack_terms import API_VERSION, cache_image, source, variables
from kapsa.core.builds.metadata import metadata
from kapsa.core.builds.orders import BuildOrder


def kpack_build(order: BuildOrder) -> dict[str, Any]:
    """Return the Build. It is never changed: kpack refuses that.

    The builder's image may be on the registry that is pushed to: its pod gets that Secret by the
    ServiceAccount. Named here as well, kpack would mount it twice at the same place.
    """
    builder = order.build.builder
    image = (builder.image if builder else None) or order.settings.kpack_builder_image
    spec: dict[str, Any] = {
        "tags": [order.image],
        "builder": {"image": image},
        "serviceAccountName": order.name,
        "source": source(order),
        "activeDeadlineSeconds": order.timeout,
    }
    if cache := cache_image(order):
        # What it reads is said by `lastBuild`, what it writes by `cache`.
        spec |= {"cache": {"registry": {"tag": cache}}, "lastBuild": {"cache": {"image": cache}}}
    if env := variables(order):
        spec["env"] = env
    if amounts := resources(order.settings.limits):
        spec["resources"] = amounts
    return {"apiVersion": API_VERSION, "kind": "Build", "metadata": metadata(order), "spec": spec}
