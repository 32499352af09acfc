"""`python -m tests.platforms.hello TOPDIR`: what became of the demo's hello, as a line of JSON; is it the same?

Whatever builds it, of the same distribution: the same packages are in the buildroot, the same files come out, with
the same header but for what tells the time, the host, or what is made of the two.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import rpm

from tests.platforms.part import PartFailed, Place

HELLO = "hello: "
PATTERN = "**/hello-1.0-1.md1.x86_64.rpm"
OF_TIME_AND_HOST = frozenset({"BUILDTIME", "BUILDHOST", "COOKIE", "FILEMTIMES"})
OF_ALL = frozenset(
    {
        "SIGMD5", "SHA1HEADER", "SHA256HEADER", "SHA3_256HEADER", "SIGSIZE", "LONGSIGSIZE", "SIGPAYLOADSIZE",
        "PAYLOADDIGEST", "PAYLOADDIGESTALT", "PAYLOADSHA256", "PAYLOADSHA256ALT", "PAYLOADSHA512", "PAYLOADSHA512ALT",
        "PAYLOADSHA3_256", "PAYLOADSHA3_256ALT", "PAYLOADSIZE", "HEADERSIGNATURES", "HEADERIMMUTABLE", "RESERVEDSPACE",
    }
)  # fmt: skip
"""Digests and sizes of header and payload, which have the times in them; and the space left for signatures."""
RENAMED = {"PAYLOADSHA256ALGO": "PAYLOADDIGESTALGO"}
"""What rpm 6 calls a tag, and what earlier ones do."""
OF_LATER_VERSIONS = {
    5112: "PAYLOADSIZE", 5113: "PAYLOADSIZEALT", 5114: "RPMFORMAT", 5115: "FILEMIMEINDEX", 5116: "MIMEDICT",
    5120: "SOURCENEVR", 5121: "PAYLOADSHA512", 5122: "PAYLOADSHA512ALT", 5123: "PAYLOADSHA3_256",
    5124: "PAYLOADSHA3_256ALT",
}  # fmt: skip
"""Names that rpm 6 has for tags of its format, where this host's rpm has none."""
Facts = Mapping[str, Any]


def facts(topdir: Path) -> Facts:
    """What is compared, of the newest hello below Koji's files. PartFailed when there is none."""
    found = sorted(topdir.glob(PATTERN), key=lambda path: path.stat().st_mtime)
    logs = sorted(topdir.glob("**/installed_pkgs.log"), key=lambda path: path.stat().st_mtime)
    if not found or not logs:
        raise PartFailed(f"no build of hello is below {topdir}")
    with found[-1].open("rb") as file:
        known = header(file)
    return {
        "packages": sorted(line.split()[0] for line in logs[-1].read_text().splitlines()),
        "files": known.pop("FILES"),
        "header": known,
    }


def told(topdir: Path) -> str:
    """The line that `read` finds again."""
    return f"{HELLO}{json.dumps(facts(topdir))}"


def header(file: Any) -> dict[str, Any]:
    """The tags by name, and the paths under the name FILES."""
    transaction = rpm.TransactionSet()
    transaction.setVSFlags(-1)
    read = transaction.hdrFromFdno(file)
    known = {"FILES": [text(path) for path in read[rpm.RPMTAG_FILENAMES]]}
    for tag in read.keys():  # noqa: SIM118 (a header is no mapping)
        name = str(rpm.tagnames.get(tag) or OF_LATER_VERSIONS.get(tag, tag))
        if name not in OF_TIME_AND_HOST | OF_ALL:
            known[RENAMED.get(name, name)] = text(read[tag])
    return known


def text(value: Any) -> Any:
    """The same as JSON has it."""
    if isinstance(value, bytes):
        return value.hex()
    return [text(one) for one in value] if isinstance(value, list | tuple) else value


def differences(one: Facts, other: Facts) -> Iterator[str]:
    """What is not the same, in words."""
    for kind in ("packages", "files"):
        if extra := sorted(set(one[kind]) ^ set(other[kind])):
            yield f"{kind}: {' '.join(extra[:5])}"
    for tag in sorted({*one["header"], *other["header"]}):
        mine, its = one["header"].get(tag), other["header"].get(tag)
        if mine != its:
            yield f"{tag}: {str(mine)[:60]} and {str(its)[:60]}"


def compared(
    platform: str, run: Callable[[Place], str], *, release: str = "bookworm"
) -> Callable[[Place], str]:
    """What runs the demo of a platform, and compares its hello with those of the others of the same distribution."""

    def demo(place: Place) -> str:
        saw = run(place)
        kept = place.directory.parents[1] / "hello" / release
        same = compare(platform, read(place.log.read_text(errors="replace")), kept)
        return ", ".join(filter(None, (saw, same)))

    return demo


def compare(platform: str, own: Facts, kept: Path) -> str:
    """Keep what `platform` made, and say with whose it is the same. PartFailed when it is not the same."""
    kept.mkdir(parents=True, exist_ok=True)
    (kept / f"{platform}.json").write_text(json.dumps(own, indent=1))
    others = sorted(path for path in kept.glob("*.json") if path.stem != platform)
    for path in others:
        if found := list(differences(own, json.loads(path.read_text()))):
            raise PartFailed(f"hello is another than on {path.stem}: {'; '.join(found)}", hint=f"see {kept}")
    return f"hello as on {', '.join(path.stem for path in others)}" if others else ""


def read(said: str) -> Facts:
    """What this module has said among other lines."""
    for line in reversed(said.splitlines()):
        if line.startswith(HELLO):
            known: Facts = json.loads(line.removeprefix(HELLO))
            return known
    raise PartFailed("the demo did not say what became of hello")


if __name__ == "__main__":
    sys.stdout.write(f"{told(Path(sys.argv[1]))}\n")
