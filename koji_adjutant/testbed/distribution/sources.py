"""The sources of apt on this machine, as sources of one release of Debian.

Where a machine gets its own packages from, other releases are too. Only what is Debian's is taken: a stanza whose
suites are named as the release that the machine runs. Pure functions, but for reading this machine's files.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from koji_adjutant.testbed.distribution.debian import parse_control

Stanza = Mapping[str, str]
"""The fields of a source, in the newer of apt's formats."""

ALIASES = ("oldstable", "stable", "testing", "unstable", "sid")
"""What suites are called on machines that name no codename."""
DEBIANS_KEYRING = re.compile(r"/usr/share/keyrings/debian-archive-keyring\.(gpg|pgp|asc)")
_CODENAME = re.compile(r"^VERSION_CODENAME=\"?([a-z]+)\"?$", re.MULTILINE)
_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>[^#]*)"
)
_OPTIONS = {"arch": "Architectures", "lang": "Languages", "target": "Targets"}


def host_release(etc: Path) -> str:
    """The codename of the release that this machine runs; empty when it has none."""
    file = etc / "os-release"
    found = _CODENAME.search(file.read_text()) if file.exists() else None
    return found[1] if found else ""


def configured(apt: Path) -> list[Stanza]:
    """What this machine's apt takes packages from."""
    parts = apt / "sources.list.d"
    lists = [path for path in (apt / "sources.list", *sorted(parts.glob("*.list"))) if path.is_file()]
    found = [stanza for path in lists for stanza in parse_lines(path.read_text())]
    for path in sorted(parts.glob("*.sources")):
        found += parse_stanzas(path.read_text())
    return found


def parse_lines(text: str) -> Iterator[Stanza]:
    for found in map(_LINE.match, text.splitlines()):
        if found is None:
            continue
        options = dict(word.partition("=")[::2] for word in (found["options"] or "").split())
        fields = {
            _OPTIONS.get(name, name.title()): value.replace(",", " ") for name, value in options.items()
        }
        yield {
            "URIs": found["uri"],
            "Suites": found["suite"],
            "Components": found["components"].strip(),
            **fields,
        }


def parse_stanzas(text: str) -> Iterator[Stanza]:
    for part in re.split(r"\n\s*\n", text):
        lines = [line for line in part.splitlines() if not line.startswith("#")]
        fields = parse_control("\n".join(lines))
        if "deb" in fields.pop("Types", "").split() and fields.get("Enabled", "yes") != "no":
            yield fields


def of_release(stanzas: Sequence[Stanza], own: str, release: str) -> list[Stanza]:
    """The sources of `release` at the sites where `stanzas` has Debian of the codename `own`.

    Without a codename there, the first of the aliases that it has stands for it.
    """
    for name in (own, *ALIASES):
        found = [made for stanza in stanzas if (made := _renamed(stanza, name, release))]
        if name and found:
            return found
    return []


def _renamed(stanza: Stanza, own: str, release: str) -> Stanza | None:
    pattern = re.compile(rf"{re.escape(own)}(?P<rest>/|/updates|-updates|-security)?")
    found = [made for suite in stanza.get("Suites", "").split() if (made := pattern.fullmatch(suite))]
    suites = [release + (one["rest"] or "") for one in found]
    return {**stanza, "Suites": " ".join(suites)} if suites else None


def signed_by(stanza: Stanza, keyring: Path) -> Stanza:
    """The stanza, verified by `keyring` where it was by Debian's; a site that signs with a key of its own keeps it."""
    told = stanza.get("Signed-By", "")
    if told and not DEBIANS_KEYRING.fullmatch(told):
        return stanza
    return {**stanza, "Signed-By": str(keyring)}


def written(stanzas: Sequence[Stanza]) -> str:
    """The text of a file of sources, for binary and source packages."""
    parts = [{"Types": "deb deb-src", **stanza} for stanza in stanzas]
    return "\n".join("".join(_field(*item) for item in part.items()) for part in parts)


def _field(name: str, value: str) -> str:
    first, *more = value.split("\n")
    return "".join([f"{name}: {first}\n", *(f" {line}\n" for line in more)])
