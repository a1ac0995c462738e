"""kpack's Image: builds by a Builder or ClusterBuilder, here one, of one commit.

Source: https://github.com/buildpacks-community/kpack/blob/v0.10.1/docs/image.md
"""

from typing import Any

from kapsa.core.builds.amounts import resources
from kapsa.core.builds.kpack_terms import API_VERSION, source, variables
from kapsa.core.builds.metadata import metadata
from kapsa.core.builds.orders import BuildOrder
from kapsa.models.build import Builder


def kpack_image(order: BuildOrder, builder: Builder) -> dict[str, Any]:
    """Return the Image; `builder` has a kind and a name.

    It pushes that one tag and no numbered ones beside it. It has no cache: kpack reads that from
    the second Build of an Image on. That is said, since kpack would order a volume otherwise.
    """
    build: dict[str, Any] = {"buildTimeout": order.timeout}
    if env := variables(order):
        build["env"] = env
    if amounts := resources(order.settings.limits):
        build["resources"] = amounts
    return {
        "apiVersion": API_VERSION,
        "kind": "Image",
        "metadata": metadata(order),
        "spec": {
            "tag": order.image,
            "imageTaggingStrategy": "None",
            "builder": {"kind": builder.kind, "name": builder.name},
            "serviceAccountName": order.name,
            "source": source(order),
            "cache": {},
            "failedBuildHistoryLimit": 1,
            "successBuildHistoryLimit": 1,
            "build": build,
        },
    }
