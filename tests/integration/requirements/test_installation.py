"""Drawn requirements that change the base most, installed: rpm then lists what the solver said, and dnf."""

import os
import subprocess
from pathlib import Path

from koji_adjutant.buildroot.install.installer import TRANSACTION
from tests.integration.requirements.draws import draws
from tests.integration.requirements.oracle import PYTHON, Outcome, outcomes
from tests.integration.requirements.real_packages import make_packages
from tests.unit.buildroot.rpm_database import DATABASE

DRAWN, INSTALLED = 50, 20
LIST = "%{NAME}-%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH}\n"


def test_what_was_solved_can_be_installed(tmp_path: Path) -> None:
    found = outcomes(draws(1, DRAWN), ["mock"], tmp_path)
    chosen = [one for one in found if one.verdict == "erases"]
    chosen += [
        one
        for one in found
        if one.verdict == "same" and not isinstance(one.ours, str) and one.ours["install"]
    ]
    assert len(chosen) >= INSTALLED
    for outcome in chosen[:INSTALLED]:
        directory = tmp_path / f"installed-{outcome.case.draw.seed}"
        directory.mkdir()
        install(outcome, directory)


def install(outcome: Outcome, directory: Path) -> None:
    """The base into an empty root, then the solution in one transaction."""
    assert not isinstance(outcome.ours, str)
    draw, solution = outcome.case.draw, outcome.ours
    wanted = {package.nevra: package for package in (*draw.repo, *draw.base)}
    base = [package.nevra for package in draw.base]
    files = make_packages([wanted[nevra] for nevra in {*base, *solution["install"]}], directory)
    (directory / ".rpmmacros").write_text(f"%_dbpath /{DATABASE}\n")
    root = directory / "root"
    root.mkdir()
    said = ""
    for number, (nevras, erased) in enumerate(((base, []), (solution["install"], solution["remove"]))):
        packages = directory / f"packages-{number}"
        packages.mkdir()
        for nevra in nevras:
            (packages / files[nevra].name).symlink_to(files[nevra])
        said = run(directory, PYTHON, "-I", str(TRANSACTION), str(root), str(packages), "", *erased)
    listed = run(directory, "rpm", "--root", str(root), "-qa", "--qf", LIST)
    assert set(listed.splitlines()) == outcome.root(solution), f"{outcome}\n{said}"


def run(home: Path, *argv: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout
