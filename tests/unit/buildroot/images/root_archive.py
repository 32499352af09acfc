"""A root as an engine exports it, made member by member."""

import io
import tarfile
from pathlib import Path

from koji_adjutant.buildroot.images.archive import Layer
from koji_adjutant.buildroot.images.layered.layers import Changes, LayerSizes, plan_layers, read_members

SMALL = LayerSizes(bytes=10_000, most_layers=1000)


class Root:
    """An archive of a root, member by member."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def directory(self, name: str, mode: int = 0o755) -> None:
        self._add(name, tarfile.DIRTYPE, mode=mode)

    def file(self, name: str, content: bytes = b"", **headers: str) -> None:
        info = self._info(name, tarfile.REGTYPE)
        info.size, info.pax_headers = len(content), headers
        self._tar.addfile(info, io.BytesIO(content))

    def link(self, name: str, target: str) -> None:
        self._add(name, tarfile.LNKTYPE, target)

    def _add(self, name: str, kind: bytes, target: str = "", mode: int = 0o644) -> None:
        info = self._info(name, kind)
        info.linkname, info.mode = target, mode
        self._tar.addfile(info)

    @staticmethod
    def _info(name: str, kind: bytes) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type = kind
        return info

    def plan(self, changes: Changes | None = None, sizes: LayerSizes = SMALL) -> list[Layer]:
        self._tar.close()
        return plan_layers(tuple(read_members(self.path)), changes, sizes)
