"""A repository of bad packages, made by this machine's rpmbuild and createrepo_c below a directory of the test run."""

import subprocess
from pathlib import Path

from tests.integration.packages import repository

SPEC = Path(__file__).with_name("data") / "bad.spec"


def make_packages(directory: Path, summary: str = "") -> Path:
    """The packages; those made with another `summary` have the same names and other contents."""
    packages = directory / "Packages"
    defines = {
        "_topdir": str(directory / "work"),
        "_rpmdir": str(packages),
        "_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
        "_binary_payload": "w1.gzdio",
        "packager": summary or "nobody",
    }
    words = [word for name, value in defines.items() for word in ("--define", f"{name} {value}")]
    run("rpmbuild", "-bb", "--nodeps", *words, str(SPEC))
    return packages


def make_repo(directory: Path) -> Path:
    """The repository."""
    make_packages(directory)
    return repository(directory)


def run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)
