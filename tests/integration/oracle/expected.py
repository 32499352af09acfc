"""What kojid and mock would have made of a tag, by this machine's own dnf and rpm: nothing of the daemon is used.

The configuration that they get is written here by hand, after what Koji's and mock's users know of it.
"""

import os
import socket
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.integration.oracle.settings import TagSettings

QUERY = "%{NAME} %{EPOCH} %{VERSION} %{RELEASE} %{ARCH}\n"
DATABASE = "/usr/lib/sysimage/rpm"
RPM_FILES = (
    "usr/lib/rpm/macros",
    "usr/lib/rpm/macros.d/macros.*",
    "usr/lib/rpm/platform/%{_target}/macros",
    "usr/lib/rpm/fileattrs/*.attr",
)
MAIN = """\
[main]
assumeyes=1
gpgcheck=0
install_weak_deps=0
strict=1
obsoletes=1
plugins=0
reposdir=/dev/null
cachedir={cache}
persistdir={cache}/persist
logdir={cache}/log
{best}
[build]
name=build
baseurl={url}
gpgcheck=0
{hotfixes}
"""


def run(*argv: str | Path, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


def packages(tag: TagSettings, url: str, directory: Path) -> set[str]:
    """What `dnf install @build` puts into an empty root; only the database of it is made."""
    root, configuration = directory / "root", directory / "dnf.conf"
    root.mkdir()
    best, hotfixes = tag.extra.get("mock.yum.best"), tag.extra.get("mock.yum.module_hotfixes")
    configuration.write_text(
        MAIN.format(
            cache=directory / "cache",
            url=url,
            best="best=1" if best else "",
            hotfixes="module_hotfixes=1" if hotfixes else "",
        )
    )
    options = [f"--config={configuration}", f"--installroot={root}", f"--forcearch={tag.arch}", "--quiet"]
    release = tag.extra.get("mock.releasever", "1")
    home = directory / "home"
    home.mkdir()
    (home / ".rpmmacros").write_text(f"%_dbpath {DATABASE}\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    run(
        "dnf", *options, f"--releasever={release}", "--setopt=tsflags=justdb", "install", "@build",
        environment=environment,
    )  # fmt: skip
    return lines(run("rpm", "--root", root, "-qa", "--qf", QUERY, environment=environment))


def lines(text: str) -> set[str]:
    return set(text.splitlines())


def unpacked(files: Iterable[Path], root: Path) -> Path:
    """The files of packages, below `root`."""
    options = ["--nodeps", "--noscripts", "--notriggers", "--nosignature", "--ignorearch", "--excludedocs"]
    run("rpm", "--root", root, "--define", f"_dbpath {DATABASE}", *options, "-i", *files)
    return root


def macros(tag: TagSettings, root: Path, names: Sequence[str], directory: Path) -> Mapping[str, str]:
    """What each macro expands to, where `root` has rpm's and the distribution's own."""
    own = {
        "_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
        "vendor": "Koji",
        "packager": "Koji",
        "distribution": "Koji",
        "_buildhost": socket.getfqdn(),
        **tag.macros,
        "_topdir": "/builddir/build",
        "_host_cpu": tag.arch,
        "_host": f"{tag.arch}-koji-linux-gnu",
    }
    written = directory / "rpmmacros"
    written.write_text("".join(f"%{name} {value}\n" for name, value in own.items()))
    path = ":".join([*(str(root / file) for file in RPM_FILES), str(written)])
    return {
        name: run("rpm", f"--macros={path}", f"--target={tag.arch}", "--eval", f"%{{{name}}}").rstrip("\n")
        for name in names
    }


def environment(tag: TagSettings, root: Path) -> Mapping[str, str]:
    """The variables that a build has: mock's, the tag's, and what the root's own profile does to them."""
    given = {
        "TERM": "vt100",
        "SHELL": "/bin/bash",
        "HOME": "/builddir",
        "HOSTNAME": "mock",
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "PROMPT_COMMAND": r'printf "\033]0;<mock-chroot>\007"',
        "PS1": r"<mock-chroot> \s-\v\$ ",
        "LANG": "C.UTF-8",
        **tag.environment,
    }
    script = f". {root}/etc/profile; exec /usr/bin/env -0"
    seen = run("/bin/bash", "--norc", "-c", script, environment=given)
    return dict(one.split("=", 1) for one in seen.split("\0") if one)
