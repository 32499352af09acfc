"""The oracle of BuildRequires: dnf's own `builddep`, called as mock calls it, beside the solver.

dnf 4 is this machine's, dnf 5 that of a task image.

Both sides see the same metadata, the same base root and the same source package, under the configuration that Koji
writes for mock. A draw may have no solution on either side, and it may have several that are as good.
"""

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import koji

from koji_adjutant.buildroot.install.drivers import SCRIPT, SCRIPTS
from koji_adjutant.buildroot.install.solver import without_rpms_own
from koji_adjutant.config.package_manager import read_package_managers
from tests.integration.requirements.draws import Draw
from tests.unit.buildroot.rpm_database import DATABASE, write_databases
from tests.unit.buildroot.xml_repo import write_xml_repo

SIDES = Path(__file__).with_name("scripts")
PYTHON = "/usr/bin/python3"
SITES: Mapping[str, tuple[str, Sequence[str]]] = {
    "mock": ("", ("--setopt=deltarpm=False", "--setopt=allow_vendor_change=yes", "--allowerasing")),
    "fedora": (
        "config_opts['dnf_common_opts'] = ['--setopt=install_weak_deps=0']\n",
        ("--setopt=install_weak_deps=0",),
    ),
    "weak": (
        "config_opts['dnf4_common_opts'] = ['--setopt=install_weak_deps=1', '--setopt=allow_vendor_change=no']\n",
        ("--setopt=install_weak_deps=1", "--setopt=allow_vendor_change=no"),
    ),
}
"""What a site's site-defaults.cfg says, and what mock then gives to dnf."""
Side = Mapping[str, Sequence[str]]
"""What is installed and what is removed."""
SPEC = (
    "Name: drawn\nVersion: 1\nRelease: 1\nSummary: A draw\nLicense: MIT\n{requires}\n%description\nA draw.\n"
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A draw on disk, with the options of a site, for a package manager: `dnf4` or `dnf5`."""

    manager: str
    draw: Draw
    site: str
    directory: Path
    requires: tuple[str, ...]
    is_group: bool
    """The install group into an empty root, in place of the requirements."""

    @property
    def root(self) -> Path:
        """What the group goes into is empty."""
        return self.directory / ("empty" if self.is_group else "root")

    def dnf_arguments(self) -> list[str]:
        conf = self.directory / "dnf.conf"
        first = [f"--config={conf}", f"--installroot={self.root}", "--releasever=1"]
        options = [*SITES[self.site][1], "--disableplugin=local", "--forcearch=x86_64"]
        srpm = str(self.directory / "SRPMS" / "drawn-1-1.src.rpm")
        command = ["install", "@build"] if self.is_group else ["builddep", srpm]
        # As mock does, too.
        return [*first, *command, *options] if self.manager == "dnf5" else [*first, *options, *command]

    def solver_task(self) -> Path:
        scratch = self.directory / self.site
        scratch.mkdir()
        file = scratch / "site-defaults.cfg"
        text = SITES[self.site][0]
        file.write_text(re.sub("dnf4?_", "dnf5_", text) if self.manager == "dnf5" else text)
        options = read_package_managers(file).options[self.manager]
        task = {
            "metadata": str(self.directory / "repo"),
            "solver_caches": "",
            "arch": "x86_64",
            "root": str(self.root),
            "scratch": str(scratch),
            "install": {"group": "build"} if self.is_group else {"requires": without_rpms_own(self.requires)},
            "releasever": "1",
            "module_hotfixes": False,
            "modules": [],
            "managers": [(self.manager, {"allow_erasing": options.allow_erasing, "set": options.settings})],
        }
        (scratch / "task.json").write_text(json.dumps(task))
        return scratch / "task.json"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What both sides make of a case."""

    case: Case
    dnf: Side | str
    ours: Side | str

    @property
    def verdict(self) -> str:
        """`same`, `erases` (the same, with packages of the base gone), `both fail`, `tie` or `differs`."""
        if isinstance(self.dnf, str) or isinstance(self.ours, str):
            return "both fail" if isinstance(self.dnf, str) and isinstance(self.ours, str) else "differs"
        if self.root(self.dnf) == self.root(self.ours):
            return "erases" if self.dnf["remove"] else "same"
        return "tie" if self.cost(self.dnf) == self.cost(self.ours) else "differs"

    def root(self, side: Side) -> frozenset[str]:
        before = set() if self.case.is_group else {package.nevra for package in self.case.draw.base}
        return frozenset(before - set(side["remove"]) | set(side["install"]))

    def cost(self, side: Side) -> tuple[int, frozenset[str]]:
        """What is counted when one choice is as good as another: how much comes, and what goes."""
        return len(side["install"]), frozenset(side["remove"])

    def __str__(self) -> str:
        return (
            f"seed {self.case.draw.seed}, options of {self.case.site}: "
            f"{', '.join(self.case.draw.group if self.case.is_group else self.case.requires)}\n"
            f"  dnf:  {self.dnf}\n  ours: {self.ours}"
        )


class Sides:
    """Where both sides run: on this machine, with its dnf 4."""

    manager = "dnf4"

    def python(self, directory: Path) -> Sequence[str]:
        """The command of a Python that sees the directory."""
        return [PYTHON]


class SidesInImage(Sides):
    """In a container of a task image, with its dnf 5."""

    manager = "dnf5"

    def __init__(self, socket: str, image: str) -> None:
        self.engine = ["podman", f"--url=unix://{socket}", "run", "--rm", "--interactive", "--network=none"]
        self.image = image

    def python(self, directory: Path) -> Sequence[str]:
        options = [f"--volume={directory}:{directory}", f"--env=HOME={directory}"]
        return [*self.engine, *options, self.image, PYTHON]


HERE = Sides()


def outcomes(
    drawn: Sequence[Draw],
    sites: Sequence[str],
    directory: Path,
    where: Sides = HERE,
    *,
    are_groups: bool = False,
) -> list[Outcome]:
    """Each draw with the options of each site, one process a side."""
    places = prepare(drawn, directory)
    cases = [
        Case(
            manager=where.manager,
            draw=one,
            site=site,
            directory=place,
            requires=requires,
            is_group=are_groups,
        )
        for one, (place, requires) in zip(drawn, places, strict=True)
        for site in sites
    ]
    programs = directory / "programs"
    shutil.copytree(SIDES, programs)
    shutil.copytree(SCRIPTS, programs / "ours")
    tasks = [str(case.solver_task()) for case in cases]
    python = where.python(directory)
    ours = ask([*python, str(programs / "our_side.py"), str(programs / "ours" / SCRIPT)], tasks, directory)
    arguments = [case.dnf_arguments() for case in cases]
    theirs = ask([*python, str(programs / f"{where.manager}_side.py")], arguments, directory)
    return [Outcome(case=case, dnf=dnf, ours=our) for case, dnf, our in zip(cases, theirs, ours, strict=True)]


def counted(found: Sequence[Outcome]) -> Counter[str]:
    """How often each verdict."""
    return Counter(outcome.verdict for outcome in found)


def ask(argv: Sequence[str], question: Any, directory: Path) -> Any:
    """What a program says to a question; its rpm has the database where the roots have it."""
    (directory / ".rpmmacros").write_text(f"%_dbpath /{DATABASE}\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "LANG": "C.UTF-8"}
    done = subprocess.run(
        argv, input=json.dumps(question), capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def prepare(drawn: Sequence[Draw], directory: Path) -> list[tuple[Path, tuple[str, ...]]]:
    """A directory for each draw, with its repo, root and source package, and what that requires."""
    places = [directory / str(one.seed) for one in drawn]
    for place, one in zip(places, drawn, strict=True):
        place.mkdir()
        write_xml_repo(place / "repo", one.repo, one.group)
        (place / "root").mkdir()
        (place / "empty").mkdir()
    write_databases([(place / "root", one.base) for place, one in zip(places, drawn, strict=True)])
    texts = list(dict.fromkeys(text for one in drawn for text in one.requires))
    legal = frozenset(ask([PYTHON, str(SIDES / "legal.py"), str(directory)], texts, directory))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(
            source_package, places, [[text for text in one.requires if text in legal] for one in drawn]
        )
    for place in places:
        (place / "dnf.conf").write_text(koji_yum_conf(place))
    return list(zip(places, made, strict=True))


def source_package(place: Path, requires: Sequence[str]) -> tuple[str, ...]:
    """What rpm lists as the requirements of a source package that has them."""
    spec = place / "drawn.spec"
    spec.write_text(SPEC.format(requires="\n".join(f"BuildRequires: {text}" for text in requires)))
    made = ["rpmbuild", "-bs", "--nodeps", "--quiet", "--define", f"_topdir {place}", str(spec)]
    subprocess.run(made, check=True, capture_output=True)
    listed = ["rpm", "-qp", "--requires", str(place / "SRPMS" / "drawn-1-1.src.rpm")]
    return tuple(subprocess.run(listed, check=True, capture_output=True, text=True).stdout.splitlines())


def koji_yum_conf(place: Path) -> str:
    """What Koji has mock write for dnf; directories of this machine's own become those of the case."""
    settings: dict[str, Any] = {"plugin_conf": {}, "macros": {}}
    for name in ("ccache_opts", "root_cache_opts", "yum_cache_opts"):
        settings["plugin_conf"][name] = {}
    text = koji.genMockConfig(
        "drawn", "x86_64", managed=True, repoid=1, tag_name="drawn", topurls=["file:///nowhere"]
    )
    exec(compile(text, "mock.cfg", "exec"), {"config_opts": settings})
    conf = str(settings["yum.conf"])
    conf = conf.replace("/var/cache/yum", str(place / "cache")).replace(
        "/var/log/yum.log", str(place / "yum.log")
    )
    url = "file:///nowhere/repos/drawn/1/x86_64"
    assert url in conf
    own = f"persistdir={place}/persist\nlogdir={place}/log\nmetadata_expire=-1\n"
    return conf.replace(url, f"file://{place}/repo").replace("[main]\n", f"[main]\n{own}")
