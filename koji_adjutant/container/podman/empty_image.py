"""The image without anything in it but a directory for /proc, as an archive that an engine loads.

crun (1.21, 1.28) mounts a /proc below another directory, as the installer's in a root that it populates, only where a
directory is already; runc makes one.

Each time it is the same to the last byte: engines that are told several times at once end up with one image, not with
one that has the name and others that have lost it.
"""

import hashlib
import io
import json
import platform
import tarfile

CREATED = "1970-01-01T00:00:00Z"
ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "i686": "386",
    "armv7l": "arm",
    "loongarch64": "loong64",
}
"""What Go calls machines, where it is another name."""


def layer() -> bytes:
    """An archive with the directory alone."""
    out = io.BytesIO()
    directory = tarfile.TarInfo("proc")
    directory.type, directory.mode = tarfile.DIRTYPE, 0o555
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(directory)
    return out.getvalue()


def empty_archive(reference: str, machine: str = "") -> bytes:
    """The archive of an empty image of this name, for this machine where no other is given."""
    machine = machine or platform.machine()
    files = layer()
    config = {
        "created": CREATED,
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(files).hexdigest()}"]},
        "history": [{"created": CREATED, "created_by": "koji-adjutant"}],
    }
    content = json.dumps(config, sort_keys=True).encode()
    name = f"{hashlib.sha256(content).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [reference], "Layers": ["layer.tar"]}]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member, data in (
            ("layer.tar", files),
            (name, content),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()
