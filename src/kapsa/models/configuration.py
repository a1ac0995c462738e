"""ConfigMaps and Secrets that an application reads, and the volumes that it keeps data on."""

from typing import Annotated

from pydantic import Field

from kapsa.models.base import DnsLabel, Model, ObjectName, Quantity, said

MountPath = Annotated[
    str,
    Field(
        min_length=2,
        max_length=512,
        pattern=r"^(/[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*)+$",
        examples=["/data"],
        json_schema_extra=said(
            "must be an absolute path, such as /data, of letters, digits and '._-', without '..'"
        ),
    ),
]
"""Where something shows in the file system of the container."""


class ConfigReference(Model):
    """A ConfigMap or Secret beside the Project; of an Environment that stands alone, beside it."""

    name: Annotated[ObjectName, Field(examples=["shop-config"])]
    """Its name."""
    mount_path: Annotated[MountPath, Field(examples=["/etc/shop"])] | None = None
    """A folder in which each key is a file. Left out: each key is an environment variable."""


class Volume(Model):
    """Storage that outlives the pods of the main process."""

    name: Annotated[DnsLabel, Field(max_length=30, examples=["data"])]
    """Name of the volume."""
    mount_path: MountPath | None = None
    """Where it shows. One of the layers has to say it."""
    size: Annotated[Quantity, Field(examples=["1Gi"])] | None = None
    """How large it is. It can grow where the StorageClass allows that, and never shrinks. Left out:
    1Gi."""
    storage_class_name: Annotated[ObjectName, Field(examples=["fast"])] | None = None
    """The StorageClass. Left out: the cluster's default. It can't be changed."""
    retain: bool | None = None
    """Whether it stays when the Environment goes, and is attached again when one of that name
    returns. Left out: no."""
