"""Populates the root that an image is made of: with the packages that a task installed, by the same installer.

It runs at low priority, and its output is not kept: the task that asked for the image has the same in its root.log.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from koji_adjutant.buildroot.images.census import LOW_WEIGHT
from koji_adjutant.buildroot.images.requests import ImageRequest
from koji_adjutant.buildroot.install.installer import InstallerRun, installer_spec
from koji_adjutant.buildroot.install.solutions import PackageStore
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import Containers
from koji_adjutant.container.programs import KILLED, TailSink
from koji_adjutant.errors import BuildrootFailed, EngineBroken
from koji_adjutant.host.disks import LEAST_BYTES, SAID_BY_PROGRAMS, free_bytes

INSTALL_SECONDS = 1800.0
"""How long an installation may take. A task has installed the same packages, so there is no good reason for longer."""
KEPT_OUTPUT = 1000
"""Bytes of what the installer wrote last, for an error message."""


class NotNow(BuildrootFailed):
    """No image for now: what it is made of is gone. A task that misses the image brings it back, and asks again."""


@dataclass(frozen=True, kw_only=True)
class Population:
    """Populates roots for the images of one worker."""

    manager: Containers
    config: Config
    worker: str

    def run(self, request: ImageRequest, container: str, root: str, scratch: Path) -> None:
        """Install the packages of `request` into the root of `container`, which the engine has at `root`.

        NotNow when packages are gone, BuildrootFailed when rpm fails, EngineBroken when the host made it fail.
        """
        packages = scratch / "packages"
        try:
            PackageStore(self.config.cache_dir).link(request.packages, packages)
        except BuildrootFailed as error:
            raise NotNow(error.message) from error
        spec = installer_spec(self._installer(request, root, packages))
        output = TailSink(KEPT_OUTPUT)
        low = replace(spec, limits=replace(spec.limits, cpu_weight=LOW_WEIGHT))
        status = self.manager.run(low, output, timeout=INSTALL_SECONDS)
        shutil.rmtree(packages)
        if status:
            said = " ".join(output.data.decode(errors="replace").split())
            # No package is to blame for a full disk, or a container that was killed, and the next time may be soon.
            is_hosts = status == KILLED or (
                SAID_BY_PROGRAMS.search(output.data) and self._lacks_room(container)
            )
            kind = EngineBroken if is_hosts else BuildrootFailed
            raise kind(f"rpm ended with status {status} in its root: {said}")

    def _installer(self, request: ImageRequest, root: str, packages: Path) -> InstallerRun:
        return InstallerRun(
            config=self.config,
            owner=labels.Owner(worker=self.worker),
            role=labels.Role.IMAGE,
            image=request.task_image,
            root=root,
            packages=packages,
            is_base=request.kind == "base",
            arch=request.arch,
            forced=request.forced,
            erased=request.removed,
        )

    def _lacks_room(self, container: str) -> bool:
        """Whether the engine's storage has less than is kept free: a scriptlet can print that it is full.

        On another machine it cannot be looked at; the request is taken up again either way.
        """
        found = self.manager.inspect(container)
        free = free_bytes(Path(found.upper_dir)) if found is not None and found.upper_dir else None
        return free is None or free < max(self.config.minspace << 20, LEAST_BYTES)
