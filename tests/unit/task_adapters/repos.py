"""Repos as the hub lays them out, with small packages made on the spot."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

SPEC = """\
Name: {name}
Version: 1
Release: 1
Summary: A package with one file
License: MIT
BuildArch: noarch
%description
Nothing.
%install
mkdir -p %{{buildroot}}/opt
echo {name} > %{{buildroot}}/opt/{name}
%files
/opt/{name}
"""
COMPS = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps>
  <group><id>build</id><name>build</name><description/><default>false</default><uservisible>true</uservisible>
    <packagelist><packagereq type="mandatory">one</packagereq></packagelist></group>
</comps>
"""


def make_package(directory: Path, name: str) -> Path:
    """A binary package in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    spec = directory / f"{name}.spec"
    spec.write_text(SPEC.format(name=name))
    defines = ["--define", f"_topdir {directory}/rpmbuild", "--define", f"_rpmdir {directory}"]
    subprocess.run(["rpmbuild", "-bb", *defines, spec], check=True, capture_output=True)
    spec.unlink()
    return directory / "noarch" / f"{name}-1-1.noarch.rpm"


def lay_out_repo(
    topdir: Path, tag: str, repo_id: int, packages: Sequence[Path], *, arch: str = "x86_64"
) -> Path:
    """The directory of a repo of one architecture; the path that the hub calls the repo's."""
    repo = topdir / "repos" / tag / str(repo_id)
    directory = repo / arch
    directory.mkdir(parents=True)
    (repo / "groups").mkdir(exist_ok=True)
    (repo / "groups" / "comps.xml").write_text(COMPS)
    (directory / "toplink").symlink_to(os.path.relpath(topdir, directory))
    lines = [f"toplink/{package.relative_to(topdir)}\n" for package in packages]
    (directory / "pkglist").write_text("".join(lines))
    (directory / "blocklist").write_text("")
    return repo
