"""Model files of any content, good and bad."""

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

MANIFEST = {
    "variant": "pipeline",
    "name": None,
    "version": None,
    "description": "",
    "producer_name": "falcon.beastbyte.ai",
    "producer_version": "0.8.0",
    "producer_tags": [],
    "inputs": [],
    "outputs": [],
    "dynamic_attributes": [],
    "env_vars": [],
}
MODEL_MEMBERS = ("dtypes.json", "env.json", "ops.json", "variant_config.json")
"""What a server looks for, beside manifest.json and meta.json, to tell a model."""


def model_file(
    path: Path, *, manifest: Mapping[str, Any] = MANIFEST, meta: Any = (), content: bytes = b"weights" * 1000
) -> Path:
    """Write a model as its makers do."""
    texts = {"manifest.json": manifest, "meta.json": list(meta)} | {name: {} for name in MODEL_MEMBERS}
    members = {name: json.dumps(value).encode() for name, value in texts.items()}
    return archive(path, [plain(name, data) for name, data in (members | {"ops_artifacts/w.onnx": content}).items()])


def plain(name: str, data: bytes = b"{}") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    return member, data


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """A link, a folder, a device ..."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def archive(path: Path, members: Iterable[tuple[tarfile.TarInfo, bytes]], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for member, data in members:
            tar.addfile(member, io.BytesIO(data))
    return path
