"""What runs on the machine, for the table of platforms. Each part boots it on a disk of its own, which goes with it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.testbed.distribution.recipe import RELEASE
from tests.platforms.machine.image import Image, make_image
from tests.platforms.machine.machine import Disk, Machine, booted
from tests.platforms.machine.power import power_failures
from tests.platforms.part import ROOT, PartFailed, Place
from tests.platforms.roots import DebianRoot, summary, versions

SCRIPTS = Path(__file__).with_name("scripts")
PREPARE = ".venv/bin/python -m tests.platforms.machine.inside.prepare"
PACKAGES = "systemd-sysv dbus udev kmod iproute2 initramfs-tools linux-image-cloud-amd64 nfs-kernel-server nfs-common"
"""What makes a machine of a root, and an NFS server of that."""
IN_TREE = "export PATH=/srv/tree/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTEST_DISABLE_PLUGIN_AUTOLOAD=1; cd /srv/tree; "
PYTEST = "python -m pytest -s -p pytest_timeout -p no:cacheprovider --timeout=0 "
"""Without the plugins that nothing here needs: emulated, each costs seconds."""
INSIDE = "tests/platforms/machine/inside"


@dataclass(frozen=True, kw_only=True)
class MachineImage:
    """The image, made of a root when the first part wants it, and anew with each run."""

    root: DebianRoot
    release: str = RELEASE
    """That the mini distribution of the machine's hub is made of."""

    @property
    def directory(self) -> Path:
        """Where it is, as long as one run takes."""
        return ROOT / ".testbed" / f"machine-{self.release}"

    def made(self, place: Place) -> Image:
        image = Image(directory=self.directory)
        if not image.disk.exists():
            place.command([SCRIPTS / "host_packages.sh"])
            command = f"{PREPARE} {self.release}"
            self.root.run(place, command, MORE_PACKAGES=PACKAGES, RELEASES=self.release)
            make_image(ROOT / ".testbed" / self.root.codename, self.directory)
        return image

    def remove(self, place: Place) -> None:
        """What of it is on the disk."""
        place.command(["rm", "-rf", self.directory])

    @contextmanager
    def machine(self, place: Place) -> Iterator[Machine]:
        """A machine of the part's own."""
        image = self.made(place)
        disk = image.overlay(place.directory / "overlay")
        try:
            with booted(image, [Disk(disk)], place.directory) as machine:
                yield machine
        finally:
            disk.unlink()

    def versions(self, place: Place) -> Mapping[str, str]:
        """What the machine has, said by itself."""
        with self.machine(place) as machine:
            return versions(
                machine.run(f"{IN_TREE} python -m tests.platforms.versions", seconds=place.seconds)
            )

    def part(self, name: str) -> Callable[[Place], str]:
        """What runs a file of tests on the machine, for a Part."""
        return lambda place: self._run(place, f"{INSIDE}/{name}.py")

    def power_failures(self) -> Callable[[Place], str]:
        """What cuts the machine off again and again, for a Part."""
        return power_failures(self.made, IN_TREE)

    def _run(self, place: Place, paths: str) -> str:
        with self.machine(place) as machine:
            took = (place.directory / "booted").read_text().strip()
            done = machine.control.run(IN_TREE + PYTEST + paths, seconds=place.seconds)
            with place.log.open("a") as log:
                log.write(done.output)
            if done.status:
                raise PartFailed(
                    f"{paths} on the machine: {last_words(done.output)}", hint=f"see {place.log}"
                )
            machine.power_off()
        return f"{summary(done.output)}, up in {took} s"


def last_words(said: str) -> str:
    """What pytest says of failures."""
    lines = said.splitlines()
    return "\n".join(
        [line for line in lines if line.startswith(("E  ", "FAILED", "ERROR"))][-15:] or lines[-15:]
    )
