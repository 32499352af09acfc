"""A root that has nothing but an RPM database, of packages that exist only in it."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.unit.buildroot.xml_repo import Package

DATABASE = "usr/lib/sysimage/rpm"
HEADERS = """\
import json, os, sys
import rpm

SIGNS = {"=": rpm.RPMSENSE_EQUAL, ">=": rpm.RPMSENSE_GREATER | rpm.RPMSENSE_EQUAL, ">": rpm.RPMSENSE_GREATER}
SIGNS |= {"<=": rpm.RPMSENSE_LESS | rpm.RPMSENSE_EQUAL, "<": rpm.RPMSENSE_LESS}

def relate(header, kind, relations):
    rows = [[text] if text.startswith("(") else text.split() for text in relations]
    if rows:
        header[kind + "name"] = [row[0] for row in rows]
        header[kind + "flags"] = [SIGNS[row[1]] if len(row) > 1 else 0 for row in rows]
        header[kind + "version"] = [row[2] if len(row) > 1 else "" for row in rows]

def write(package, file):
    header = rpm.hdr()
    for tag in ("name", "version", "release", "arch", "vendor"):
        if package[tag]:
            header[tag] = package[tag]
    if package["epoch"]:
        header["epoch"] = package["epoch"]
    header["os"] = "linux"
    header["sigmd5"] = bytes(16)
    header["installtime"] = 1
    relate(header, "provide", [package["itself"], *package["provides"]])
    for kind in ("require", "conflict", "obsolete", "recommend", "supplement"):
        relate(header, kind, package[kind + "s"])
    files = sorted([*package["files"], *package["odd_files"]])
    if files:
        directories = sorted({os.path.dirname(path) + "/" for path in files})
        header["basenames"] = [os.path.basename(path) for path in files]
        header["dirnames"] = directories
        header["dirindexes"] = [directories.index(os.path.dirname(path) + "/") for path in files]
        header["filemodes"] = [0o100644 for path in files]
        for tag in ("filesizes", "filemtimes", "fileinodes", "filedevices", "fileflags", "fileverifyflags"):
            header[tag] = [0 for path in files]
        for tag in ("fileusername", "filegroupname", "filedigests", "filelinktos"):
            header[tag] = ["" for path in files]
    header.write(file)

for path, packages in json.load(sys.stdin):
    with open(path, "wb") as file:
        for package in packages:
            write(package, file)
"""


def write_database(root: Path, packages: Sequence[Package]) -> Path:
    """A root in which `packages` are installed."""
    root.mkdir(exist_ok=True)
    write_databases([(root, packages)])
    return root


def write_databases(roots: Sequence[tuple[Path, Sequence[Package]]]) -> None:
    """Have each root list its packages as installed."""
    rows = [
        (
            str(root / "headers"),
            [{**asdict(package), "itself": f"{package.name} = {package.evr}"} for package in packages],
        )
        for root, packages in roots
    ]
    subprocess.run(["/usr/bin/python3", "-c", HEADERS], input=json.dumps(rows).encode(), check=True)
    for root, _ in roots:
        (root / DATABASE).mkdir(parents=True)
        database = ["rpmdb", "--root", str(root), "--dbpath", f"/{DATABASE}", "--importdb"]
        with (root / "headers").open("rb") as headers:
            subprocess.run(database, stdin=headers, check=True)
        (root / "headers").unlink()
