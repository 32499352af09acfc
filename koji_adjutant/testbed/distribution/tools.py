"""Programs of the distribution's own release: its rpm, createrepo_c and Python, run on this machine, whatever that has.

Packages, metadata and roots are then what the release's own programs make, on any host: of the format that they
write, compressed as they compress. They are run by the release's own dynamic linker with its libraries, so that this
machine's C library may be older; what they start is this machine's. They stay beside the distribution, without what
only an installed system can have: rpm's plugins.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.testbed.distribution.trees import Tree

PROGRAMS = ("createrepo_c", "rpm", "rpmbuild")
ELFDEPS = "elfdeps"
_RPM = Path("usr/lib/rpm")
_MAGIC = "usr/lib/file/magic.mgc"
_LINKER = "ld-linux-x86-64.so.2"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_KEPT = re.compile(rf"/usr/bin/({'|'.join(PROGRAMS)})$|/{_RPM}/|/{_MAGIC}$|/{_LIBRARIES}/[^/]+\.so[^/]*$")
_PLUGINS = re.compile(r"/macros\.d/macros\.transaction_")


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Where they are; `root` has them as the release's root has. None: this machine's own are taken."""

    root: Path | None

    def command(self, name: str) -> list[str]:
        """How the program is run, up to its arguments."""
        if self.root is None:
            return [f"/{_RPM}/{name}" if name == ELFDEPS else name]
        return self.linked(self.root / (_RPM if name == ELFDEPS else Path("usr/bin")) / name)

    def linked(self, program: Path) -> list[str]:
        """How a program of the release is run, wherever it lies."""
        if self.root is None:
            return [str(program)]
        libraries = self.root / _LIBRARIES
        linker = [str(libraries / _LINKER), "--library-path", str(libraries)]
        return ["env", f"RPM_CONFIGDIR={self.root / _RPM}", *linker, str(program)]

    @property
    def environment(self) -> Mapping[str, str]:
        """Where rpmbuild learns kinds of files from."""
        return {} if self.root is None else {"MAGIC": str(self.root / _MAGIC)}


HOST_TOOLS = Tools(root=None)


def gather(trees: Iterable[Tree], root: Path) -> None:
    """Put the programs out of unpacked packages, with what they need, below `root`, which does not exist yet."""
    for tree in trees:
        for path in filter(_KEPT.match, tree.paths):
            source, target = tree.root / path.lstrip("/"), root / path.lstrip("/")
            if _PLUGINS.search(path) or (source.is_dir() and not source.is_symlink()):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            # What two packages have is the same in both, and it is only read.
            if source.is_symlink():
                target.unlink(missing_ok=True)
                target.symlink_to(source.readlink())
            elif not target.exists():
                os.link(source, target)
