"""Roots for images in a real engine: a tool image of this host's programs, and packages with files of every kind."""

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import koji

from koji_adjutant.buildroot.images.keys import packages_digest
from koji_adjutant.buildroot.images.layered.layers import LayerSizes
from koji_adjutant.buildroot.images.layered.writer import LayeredWriter
from koji_adjutant.buildroot.images.maker import ImageMaker
from koji_adjutant.buildroot.images.requests import ImageRequest, requests_directory
from koji_adjutant.buildroot.install.downloads import file_checksum
from koji_adjutant.buildroot.install.solutions import SolvedPackage
from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.journal.phases import Journal, NullJournal
from koji_adjutant.testbed.engine import rootfs
from koji_adjutant.testbed.engine.service import Engine

TOOLS = "localhost/image-tools:1"
RPM_CONFIGURATION = Path("/usr/lib/rpm")
PYTHON = Path("/usr/bin/python3")
MODULES = """\
import os, rpm, stat, sys
for module in list(sys.modules.values()):
    if getattr(module, "__file__", None):
        print(module.__file__)
"""
PROGRAMS = (
    *(
        "bash",
        "cat",
        "chmod",
        "chown",
        "cp",
        "date",
        "find",
        "getcap",
        "grep",
        "ln",
        "mkdir",
        "mv",
        "rm",
        "rpm",
        "rpmkeys",
    ),
    *("sed", "sort", "stat", "tail", "touch", "tr"),
)
SPEC = r"""
%global debug_package %{{nil}}
%global _invalid_encoding_terminates_build 0
%global __spec_install_post %{{nil}}
Name: {name}
Version: {version}
Release: 1
Summary: Files of every kind
License: MIT
BuildArch: noarch
AutoReqProv: no
%description
Files of every kind.
%install
{install}
%files
{files}
"""
BASE = r"""
mkdir -p %{buildroot}/opt/odd/{deep/er,secret,links} %{buildroot}/opt/other
cd %{buildroot}/opt/odd
for number in $(seq 300); do echo "$number" >deep/file-$number; done
head -c 3000000 /dev/urandom >big
echo text >links/first && ln links/first links/second && ln links/first ../other/third
ln -s ../secret links/symbolic && ln -s /nowhere links/dangling
touch "$(printf 'bytes-\377\376')" 'with space' "$(printf 'x%.0s' $(seq 200))"
touch secret/owned program removed ../capable
chmod 4755 program && chmod 700 secret && chmod 640 secret/owned
"""
BASE_FILES = """
/opt/odd
/opt/other
%attr(0755,root,root) %caps(cap_net_raw=ep) /opt/capable
"""
MORE = r"""
mkdir -p %{buildroot}/opt/odd/{new,links} %{buildroot}/opt/more
cd %{buildroot}/opt/odd
touch new/file
echo other >links/first && ln links/first links/second
head -c 2000000 /dev/urandom >../more/big
"""
WHITEOUT = "mkdir -p %{buildroot}/opt && touch %{buildroot}/opt/.wh.file"
SPARSE = """
mkdir -p %{buildroot}/opt
%post -p <lua>
file = io.open("/opt/sparse", "w")
file:seek("set", 400 * 1024 * 1024)
file:write("end")
file:close()
"""


SMALL = LayerSizes(bytes=1 << 20, members=200)
"""So that there are several, of roots as small as these."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A cache directory of one worker, with packages made on the spot."""

    directory: Path
    config: Config
    task_image: str

    def package(self, name: str, install: str, files: str = "/opt", version: str = "1") -> SolvedPackage:
        """A package in the store."""
        work = self.directory / f"{name}-{version}"
        work.mkdir()
        spec = work / f"{name}.spec"
        spec.write_text(SPEC.format(name=name, version=version, install=install, files=files))
        defines = {"_topdir": work, "_rpmdir": work, "_dbpath": work / "db", "_buildshell": "/bin/bash"}
        command = ["rpmbuild", "-bb", str(spec)]
        for key, value in defines.items():
            command += ["--define", f"{key} {value}"]
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, cwd=work
        )
        assert done.returncode == 0, done.stderr
        (made,) = work.glob("noarch/*.rpm")
        store = self.config.cache_dir / "packages"
        store.mkdir(parents=True, exist_ok=True)
        made.rename(store / made.name)
        return SolvedPackage(
            nevra=made.stem,
            size=(store / made.name).stat().st_size,
            checksum_kind="sha256",
            checksum=file_checksum(store / made.name, "sha256"),
            file=f"packages/{made.name}",
            location=made.name,
        )

    def request(self, key: str, *packages: SolvedPackage, base_key: str = "") -> ImageRequest:
        """For an image of `packages`, which are all that rpm lists in it then."""
        return ImageRequest(
            kind="requires" if base_key else "base",
            key=key,
            base_key=base_key,
            task_image=self.task_image,
            tag_name="dist-build",
            repo_id=7,
            arch=koji.canonArch("x86_64"),
            group="build",
            packages=packages,
            contents=packages_digest(package.nevra for package in packages),
        )

    def ask(self, request: ImageRequest) -> Path:
        """Leave the request; where it is."""
        request.save(requests_directory(self.config))
        return requests_directory(self.config) / f"{request.key}.json"

    def maker(self, manager: ContainerManager, worker: str, journal: Journal | None = None) -> ImageMaker:
        """The maker of a worker, which waits for nobody."""
        return ImageMaker(
            manager=manager,
            config=self.config,
            worker=worker,
            journal=journal or NullJournal(),
            writer=LayeredWriter(manager=manager, pause=lambda _seconds: None, sizes=SMALL),
        )

    def refusals(self) -> list[str]:
        """Why images were not made."""
        return [path.read_text() for path in requests_directory(self.config).glob("*.refused")]


def add_python(tar: tarfile.TarFile) -> None:
    """The interpreter that install.sh calls, with what rpm's binding and the script need: nothing else is found."""
    done = subprocess.run([PYTHON, "-I", "-c", MODULES], capture_output=True, text=True, check=True)
    tar.add(PYTHON.resolve(), str(PYTHON).lstrip("/"), recursive=False)
    files = [Path(line) for line in done.stdout.splitlines()]
    needed = {Path(name) for file in (PYTHON, *files) for name in rootfs.libraries(file)}
    there = set(tar.getnames())
    for path in sorted({*files, *needed}):
        if (name := str(path).lstrip("/")) not in there:
            tar.add(path.resolve(), name, recursive=False)


def config_below(directory: Path) -> Config:
    """The configuration of a worker that keeps everything below `directory`."""
    return Config(
        server="http://127.0.0.1/kojihub",
        topurls=("http://127.0.0.1/kojifiles",),
        state_dir=directory / "state",
        cache_dir=directory / "cache",
    )


def import_tools(engine: Engine, directory: Path) -> str:
    """The id of an image that an installer and a census can run in."""
    content = io.BytesIO(rootfs.archive(PROGRAMS))
    with tarfile.open(fileobj=content, mode="a") as tar:
        for name in ("macros", "rpmrc", "macros.d", "platform"):
            tar.add(RPM_CONFIGURATION / name, f"{RPM_CONFIGURATION}/{name}".lstrip("/"))
        add_python(tar)
    path = directory / "tools.tar"
    path.write_bytes(content.getvalue())
    return engine.podman("import", "--quiet", str(path), TOOLS).strip().removeprefix("sha256:")
