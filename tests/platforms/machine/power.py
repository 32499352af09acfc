"""Power failures of the machine: QEMU is killed, with every write that the machine took for done on the disk.

Which moment, and how long after it, a seed decides; the same seed cuts the same way.
"""

import random
import subprocess
import time
from collections.abc import Callable, Sequence

from tests.platforms.machine.image import Image
from tests.platforms.machine.machine import Disk, Machine, booted
from tests.platforms.part import PartFailed, Place
from tests.waiting import lasts

CUTS = 20
SEED = 13
WITHIN_SECONDS = 2.0
STEP_SECONDS = 1500.0
KINDS = ("rename", "image", "upload", "closeTask")
NOW = "now: "
WELL = "well: "
COMMAND = "python -u -m tests.platforms.machine.inside.power "
HUB_SIZE = "4G"


def power_failures(
    made: Callable[[Place], Image], in_tree: str, *, cuts: int = CUTS, seed: int = SEED
) -> Callable[[Place], str]:
    """What cuts a machine off, for a Part: after the next boot all has to be well."""

    def part(place: Place) -> str:
        image = made(place)
        disk, hub = image.overlay(place.directory / "overlay"), place.directory / "hub"
        subprocess.run(["truncate", "--size", HUB_SIZE, str(hub)], check=True)
        try:
            return _cut(
                image, (Disk(disk, cache="writethrough"), Disk(hub, kind="raw")), place, in_tree, cuts, seed
            )
        finally:
            disk.unlink()
            hub.unlink()

    return part


def _cut(  # noqa: PLR0917
    image: Image, disks: Sequence[Disk], place: Place, in_tree: str, cuts: int, seed: int
) -> str:
    chance = random.Random(seed)
    took: list[float] = []
    with booted(image, disks, place.directory) as machine:
        _run(machine, place, f"{in_tree}{COMMAND}begin", until="")
        machine.power_off()
    for number in range(cuts + 1):
        kind = KINDS[number % len(KINDS)]
        began = time.monotonic()
        with booted(image, disks, place.directory) as machine:
            _run(
                machine, place, f"{in_tree}{COMMAND}go {kind} {number}", until=NOW if number < cuts else WELL
            )
            if number == cuts:
                _run(machine, place, f"{in_tree}koji-adjutant doctor", until="")
            # The end of this context is the power failure.
            wait = chance.uniform(0.0, WITHIN_SECONDS)
            lasts(machine.is_on, "the machine is on", seconds=wait)
        took.append(time.monotonic() - began)
    return f"{cuts} power failures, seed {seed}, {sum(took) / len(took):.0f} s each"


def _run(machine: Machine, place: Place, script: str, *, until: str) -> None:
    """Run a script, to its end or until it says so."""
    said = ""
    with place.log.open("a") as log:
        for piece in machine.control.start(script).pieces(seconds=STEP_SECONDS):
            if isinstance(piece, int):
                if piece or until:
                    raise PartFailed(f"{script}: status {piece}: {said[-2000:]}", hint=f"see {place.log}")
                return
            text = piece.decode(errors="replace")
            said += text
            log.write(text)
            log.flush()
            if until and any(line.startswith(until) for line in said.splitlines()):
                return
