"""A repo of empty packages, and the answers of a solver that has no dnf."""

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.fakes.containers import Command, FakeContainer

EMPTY = hashlib.sha256(b"").hexdigest()
REPOMD = f"""<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary">
<checksum type="sha256">{EMPTY}</checksum><location href="repodata/primary.xml"/></data></repomd>"""


def write_repo(repo: Path, nevras: tuple[str, ...]) -> None:
    """What a task fetches of a repo."""
    (repo / "repodata").mkdir(parents=True)
    (repo / "repodata" / "repomd.xml").write_text(REPOMD)
    (repo / "repodata" / "primary.xml").write_text("")
    (repo / "Packages").mkdir()
    for nevra in nevras:
        (repo / "Packages" / f"{nevra}.rpm").write_text("")
    (repo / "rpmlist.jsonl").write_text("")


def package_row(nevra: str) -> dict[str, Any]:
    """An entry of the solver's answer."""
    stem, _, arch = nevra.rpartition(".")
    name, version, release = stem.rsplit("-", 2)
    return {
        "name": name,
        "epoch": 0,
        "version": version,
        "release": release,
        "arch": arch,
        "size": 0,
        "checksum": ["sha256", EMPTY],
        "location": f"Packages/{nevra}.rpm",
        "base": "",
    }


def solver_scratch(container: FakeContainer, command: Command) -> Path:
    """The directory in which a solver answers."""
    directory = str(Path(command.argv[-1]).parent)
    return next(Path(mount.source) for mount in container.spec.mounts if mount.target == directory)


def asked(container: FakeContainer, command: Command) -> dict[str, Any]:
    """What a solver is asked to install."""
    task = json.loads((solver_scratch(container, command) / "task.json").read_text())
    return dict(task["install"])


def answer(
    container: FakeContainer, command: Command, nevras: tuple[str, ...] = (), problem: str = ""
) -> tuple[Any, ...]:
    """Answer as a solver; its exit code."""
    scratch = solver_scratch(container, command)
    (scratch / "cache").mkdir()
    rows = [package_row(nevra) for nevra in nevras]
    (scratch / "answer.json").write_text(json.dumps({"install": rows, "remove": [], "problem": problem}))
    return (3, ("stderr", f"{problem}\n".encode())) if problem else (0,)
