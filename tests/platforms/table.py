"""The platforms, and what runs on each. What a part needs it makes itself; a platform's parts run in this order.

Platforms share what is dear: one root of Debian 13 serves B and the machine D.
"""

from tests.platforms.hello import compared
from tests.platforms.machine.parts import MachineImage
from tests.platforms.part import Part, Place, Platform, Versions
from tests.platforms.roots import DebianRoot, OrdinaryUser, Removable, on_this_machine, versions

TRIXIE = DebianRoot("trixie")
TESTING = DebianRoot("testing")
MACHINE = MachineImage(root=TRIXIE)
MACHINE_OF_TESTING = MachineImage(root=TRIXIE, release="testing")
USER = OrdinaryUser()
REMOVED_AT_THE_END: tuple[Removable, ...] = (MACHINE, MACHINE_OF_TESTING, TRIXIE, TESTING, USER)
HELLO = ".venv/bin/python -m tests.platforms.hello .testbed/hub/topdir"
"""What became of the demo's hello, which is the same everywhere."""
DEMO = f"make demo; {HELLO}"
DEMO_OF_TESTING = f"make .venv/ready; .venv/bin/koji-adjutant testbed demo --release=testing; {HELLO}"
"""The other distribution: zstd, packages of rpm 6, dnf 5."""
DOCUMENTS = "make .venv/ready; .venv/bin/python -m pytest tests/integration/docs"
"""README's commands, and operating.md's, word for word."""
BOTH = "bookworm testing"
WITH_NAMESPACE = '; grep -qh "user namespace of builds.*: yes" .testbed/logs/*'
"""Builds have to have one."""
SEEN_BY = ".venv/bin/python -m tests.platforms.versions"
ON_CRUN = "! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified; "
"""crun refuses hybrid control groups, runc does not; with v1 alone both run, and the testbed takes crun."""
FIGURES = "make bench BENCH='--only warm_hello cold_hello stall_while_imaging commit_stall'"


def seen_in(root: DebianRoot) -> Versions:
    """The versions of a root."""
    return lambda place: versions(root.run(place, ON_CRUN + SEEN_BY))


def as_user_versions(place: Place) -> dict[str, str]:
    return dict(versions(USER.run(place, f"make .venv/ready; {SEEN_BY}")))


def seen_here(place: Place) -> dict[str, str]:
    return dict(versions(place.command(SEEN_BY.split())))


PLATFORMS = (
    Platform(
        letter="A",
        host="Debian 12",
        how="this machine",
        versions=seen_here,
        parts=(
            Part(name="demo", minutes=3, run=compared("A", on_this_machine("bash", "-euc", DEMO))),
            Part(
                name="demo of testing",
                minutes=8,
                run=compared("A", on_this_machine("bash", "-euc", DEMO_OF_TESTING), release="testing"),
            ),
            Part(name="core", minutes=9, run=on_this_machine("make", "core")),
            Part(name="figures", minutes=12, run=on_this_machine("bash", "-euc", FIGURES)),
            Part(name="dnf 5", minutes=15, run=on_this_machine("make", "dnf5", "DRAWS=200")),
        ),
    ),
    Platform(
        letter="B",
        host="Debian 13",
        how="a root of that release",
        versions=seen_in(TRIXIE),
        parts=(
            Part(
                name="demo",
                minutes=8,
                run=compared("B", TRIXIE.part(ON_CRUN + DEMO + WITH_NAMESPACE)),
                is_in_ci=True,
            ),
            Part(name="core", minutes=10, run=TRIXIE.core(ON_CRUN), is_in_ci=True),
            Part(
                name="demo of testing",
                minutes=8,
                run=compared("B", TRIXIE.part(ON_CRUN + DEMO_OF_TESTING, BOTH), release="testing"),
            ),
            Part(name="README", minutes=5, run=TRIXIE.part(ON_CRUN + DOCUMENTS)),
            Part(name="demo on runc", minutes=4, run=TRIXIE.part(DEMO + WITH_NAMESPACE)),
            Part(name="core on runc", minutes=9, run=TRIXIE.core()),
            Part(name="figures", minutes=12, run=TRIXIE.part(FIGURES)),
        ),
    ),
    Platform(
        letter="C",
        host="Debian testing",
        how="a root of that release",
        versions=seen_in(TESTING),
        parts=(
            Part(name="demo", minutes=4, run=compared("C", TESTING.part(ON_CRUN + DEMO))),
            Part(
                name="demo of testing",
                minutes=4,
                run=compared("C", TESTING.part(ON_CRUN + DEMO_OF_TESTING, BOTH), release="testing"),
            ),
            Part(name="core", minutes=9, run=TESTING.core(ON_CRUN)),
            Part(name="README", minutes=5, run=TESTING.part(ON_CRUN + DOCUMENTS)),
            Part(name="figures", minutes=12, run=TESTING.part(ON_CRUN + FIGURES)),
        ),
    ),
    Platform(
        letter="D",
        host="Debian 13 with systemd",
        how="a virtual machine, emulated, of B's root",
        versions=MACHINE.versions,
        parts=(
            Part(name="service", minutes=17, run=compared("D", MACHINE.part("service")), is_in_ci=True),
            Part(
                name="build of testing",
                minutes=15,
                run=compared("D", MACHINE_OF_TESTING.part("hello"), release="testing"),
            ),
            Part(name="limits", minutes=13, run=MACHINE.part("limits")),
            Part(name="rootless", minutes=10, run=compared("D rootless", MACHINE.part("rootless"))),
            Part(name="NFS", minutes=20, run=MACHINE.part("nfs")),
            Part(name="power failures", minutes=60, run=MACHINE.power_failures()),
        ),
    ),
    Platform(
        letter="E",
        host="Debian 12, rootless",
        how="a user of this machine's, made for it",
        versions=as_user_versions,
        parts=(
            Part(name="demo", minutes=5, run=compared("E", USER.part(DEMO))),
            Part(name="core", minutes=9, run=USER.core()),
        ),
    ),
)
