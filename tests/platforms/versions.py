"""`python -m tests.platforms.versions`: what this host has, as a line of JSON that the run of platforms reads."""

import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from koji_adjutant.testbed.engine.probe import probe
from tests.platforms.roots import VERSIONS

PROGRAMS = ("podman", "crun", "runc", "netavark", "rpm", "dnf", "dnf5", "createrepo_c", "systemctl")
NUMBER = re.compile(r"\d+(\.\d+)+|\b\d{3}\b")


def version_of(program: str) -> str:
    """Its version; empty where it is not."""
    if shutil.which(program) is None:
        return ""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = NUMBER.search(said)
    return found[0] if found else ""


def here() -> Mapping[str, str]:
    """Programs and their versions; which runtime the testbed's engine takes; which control groups there are."""
    known = {program: version for program in PROGRAMS if (version := version_of(program))}
    with tempfile.TemporaryDirectory() as directory:
        known["runtime"] = probe(Path(directory)).runtime
    controllers = Path("/sys/fs/cgroup/cgroup.controllers")
    return {
        **known,
        "debian": Path("/etc/debian_version").read_text().strip(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "control groups": "v2" if controllers.exists() else "v1",
    }


if __name__ == "__main__":
    sys.stdout.write(f"{VERSIONS}{json.dumps(here())}\n")
