"""A source package whose build tells what it sees: macros, and rpmbuild's own environment."""

import base64
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

SPEC = """\
%global debug_package %{{nil}}
%global seen_environment %(/usr/bin/env -0 | /usr/bin/base64 -w0)
Name: probe
Version: 1
Release: 1
Summary: What a build sees
License: MIT

%description
What a build sees.

%install
mkdir -p %{{buildroot}}/usr/share/probe/macros
echo '%{{seen_environment}}' > %{{buildroot}}/usr/share/probe/environment
{macros}
%files
/usr/share/probe
"""
MACRO = """\
cat > %{{buildroot}}/usr/share/probe/macros/{name} <<'END-OF-MACRO'
%{{{name}}}
END-OF-MACRO
"""


def probe_package(directory: Path, macros: Iterable[str]) -> Path:
    """The source package, for these macros."""
    spec = directory / "probe.spec"
    spec.write_text(SPEC.format(macros="".join(MACRO.format(name=name) for name in macros)))
    made = ["rpmbuild", "-bs", "--nodeps", "--define", f"_topdir {directory}", str(spec)]
    subprocess.run(made, check=True, capture_output=True)
    return directory / "SRPMS" / "probe-1-1.src.rpm"


def seen_macros(root: Path) -> Mapping[str, str]:
    """From the unpacked package."""
    found = (root / "usr/share/probe/macros").iterdir()
    return {path.name: path.read_text().rstrip("\n") for path in found}


def seen_environment(root: Path) -> Mapping[str, str]:
    """From the unpacked package."""
    text = base64.b64decode((root / "usr/share/probe/environment").read_text()).decode()
    return dict(one.split("=", 1) for one in text.split("\0") if one)
