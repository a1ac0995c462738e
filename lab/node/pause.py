"""The image of the container that holds a pod's namespaces, as a file that containerd imports."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping

from lab.images import MANIFEST_TYPE, architecture, pack

_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def image_archive(program: bytes, name: str) -> bytes:
    """An OCI image layout, as a tar, of an image called `name` that runs the static `program`."""
    layer = pack({"pause": program}, mode=0o755)
    config = {
        "architecture": architecture(),
        "os": "linux",
        "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
    }
    blobs: list[bytes] = []

    def add(media_type: str, blob: bytes) -> dict[str, object]:
        blobs.append(blob)
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        return {"mediaType": media_type, "digest": digest, "size": len(blob)}

    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": add(_CONFIG_TYPE, _json(config)),
        "layers": [add(_LAYER_TYPE, layer.packed)],
    }
    named = add(MANIFEST_TYPE, _json(manifest))
    named["annotations"] = {"io.containerd.image.name": name}
    index = {"schemaVersion": 2, "mediaType": _INDEX_TYPE, "manifests": [named]}
    files = {f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}": blob for blob in blobs}
    files |= {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json(index),
    }
    return _tar(files)


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _tar(files: Mapping[str, bytes]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return output.getvalue()
