"""scripts/solve.py, run with this host's own dnf 4 on metadata written by hand."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.buildroot.install.drivers import PROGRAMS, SCRIPT, SCRIPTS
from koji_adjutant.buildroot.install.solver import LACKING, UNSOLVABLE, UNUSABLE
from tests.unit.buildroot.rpm_database import DATABASE
from tests.unit.buildroot.xml_repo import COMPRESSIONS, Package, write_xml_repo, zstd

SYSTEM_PYTHON = "/usr/bin/python3"

MODULES = "".join(
    f"""---
document: modulemd
version: 2
data:
  name: foo
  stream: "{stream}"
  version: 1
  context: c
  arch: x86_64
  summary: s
  description: d
  license: {{module: [MIT]}}
  profiles:
    default: {{rpms: [{profile}]}}
  artifacts:
    rpms: [{artifacts}]
"""
    for stream, profile, artifacts in (
        ("1", "extra", "tool-0:1-1.noarch, extra-0:1-1.noarch"),
        ("2", "tool", "tool-0:2-1.noarch"),
    )
)
MODULAR = (
    Package(name="base", requires=("tool",)),
    Package(name="tool", version="9"),
    Package(name="tool", version="1"),
    Package(name="tool", version="2"),
    Package(name="extra"),
)


class Run:
    """One run of the script after another, with the same metadata."""

    def __init__(self, directory: Path, repo: Path) -> None:
        self.directory = directory
        self.repo = repo
        self.caches = directory / "caches"
        self.number = 0
        self.said = ""
        self.code = 0
        self.python: Sequence[str] = (SYSTEM_PYTHON,)
        self.scripts = SCRIPTS
        self.managers: tuple[str, ...] = ("dnf4",)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(directory)}

    def __call__(self, install: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        self.number += 1
        given = options.pop("options", {"allow_erasing": True, "set": []})
        scratch = self.directory / f"scratch-{self.number}"
        scratch.mkdir()
        task = {
            "metadata": str(self.repo),
            "solver_caches": str(self.caches) if self.caches.is_dir() else "",
            "arch": "x86_64",
            "root": str(scratch / "root"),
            "scratch": str(scratch),
            "install": install,
            "releasever": "",
            "module_hotfixes": False,
            "modules": [],
            "managers": [(name, given) for name in self.managers],
            **options,
        }
        (scratch / "task.json").write_text(json.dumps(task))
        argv = [*self.python, str(self.scripts / SCRIPT), str(scratch / "task.json")]
        (self.directory / ".rpmmacros").write_text(f"%_dbpath /{DATABASE}\n")
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=self.environment)
        self.said, self.code = done.stderr, done.returncode
        assert self.code in {0, UNSOLVABLE, UNUSABLE, LACKING}, self.said
        answer: dict[str, Any] = json.loads((scratch / "answer.json").read_text())
        return answer

    def chosen(self, install: Mapping[str, Any], **options: Any) -> list[str]:
        """name-version of what is to be installed."""
        answer = self(install, **options)
        assert self.code == 0, answer["problem"]
        return sorted(f"{row['name']}-{row['version']}" for row in answer["install"])

    def problem(self, install: Mapping[str, Any], **options: Any) -> str:
        """Why it cannot be."""
        answer = self(install, **options)
        assert self.code == UNSOLVABLE
        assert answer["problem"] in self.said
        return str(answer["problem"])

    def made(self) -> set[str]:
        """The caches that the last run made anew."""
        cache = self.directory / f"scratch-{self.number}" / "cache"
        return {path.name for path in cache.iterdir() if path.is_file() and not path.is_symlink()}

    def keep_caches(self) -> None:
        self.caches.mkdir()
        for name in self.made():
            (self.directory / f"scratch-{self.number}" / "cache" / name).rename(self.caches / name)


def run_in(directory: Path, *packages: Package, group: tuple[str, ...] = ("base",), modules: str = "") -> Run:
    return Run(directory, write_xml_repo(directory / "repo", packages, group, modules))


def test_the_group_and_what_it_requires(tmp_path: Path) -> None:
    run = run_in(
        tmp_path,
        Package(name="base", requires=("lib >= 2", "/usr/bin/tool")),
        Package(name="lib", version="2"),
        Package(name="lib", version="1"),
        Package(name="tool", files=("/usr/bin/tool",)),
        Package(name="other"),
    )
    answer = run({"group": "build"})
    assert sorted(row["name"] for row in answer["install"]) == ["base", "lib", "tool"]
    lib = next(row for row in answer["install"] if row["name"] == "lib")
    package = Package(name="lib", version="2")
    assert lib == {
        "name": "lib",
        "epoch": 0,
        "version": "2",
        "release": "1",
        "arch": "noarch",
        "size": len(package.content),
        "checksum": ["sha256", package.checksum],
        "location": f"Packages/{package.file}",
        "base": "",
    }


def test_the_place_of_an_external_package_is_told(tmp_path: Path) -> None:
    run = run_in(tmp_path, Package(name="base", base="http://example.org/ext/"))
    (row,) = run({"group": "build"})["install"]
    assert row["base"] == "http://example.org/ext/"


def test_what_cannot_be_is_said_in_dnfs_words(tmp_path: Path) -> None:
    run = run_in(
        tmp_path,
        Package(name="base", requires=("nowhere = 3",)),
        Package(name="one", conflicts=("two",)),
        Package(name="two"),
    )
    assert "nothing provides nowhere = 3 needed by base-1-1.noarch" in run.problem({"group": "build"})
    assert "one-1-1.noarch conflicts with two" in run.problem({"requires": ["one", "two"]})
    assert run.problem({"group": "missing"}) == "No group missing in the repo's comps."
    problem = run.problem({"requires": ["absent", "lost >= 7"]})
    assert problem == "No matching package to install: 'absent'\nNo matching package to install: 'lost >= 7'"


def test_ten_thousand_requirements(tmp_path: Path) -> None:
    run = run_in(tmp_path, Package(name="base"))
    problem = run.problem({"requires": [f"pkgconfig(absent-{number:05}) >= 1.0" for number in range(10000)]})
    assert problem.count("\n") == 9999


def test_file_lists_are_read_only_where_a_dependency_needs_them(tmp_path: Path) -> None:
    plain = run_in(tmp_path / "plain", Package(name="base", odd_files=("/usr/share/odd",)))
    plain({"group": "build"})
    assert plain.made() == {"build.solv", "odd-paths.json"}
    plain.keep_caches()
    assert plain.chosen({"group": "build"}) == ["base-1"]
    assert plain.made() == set()
    assert plain.chosen({"requires": ["/usr/share/odd"]}) == ["base-1"]
    assert plain.made() == {"build-full.solv", "build-full-filenames.solvx"}

    # Without file lists the older one would be chosen, in silence.
    odd = run_in(
        tmp_path / "odd",
        Package(name="base", version="2", requires=("/usr/share/odd",)),
        Package(name="base", version="1"),
        Package(name="more", odd_files=("/usr/share/odd",)),
    )
    assert odd.chosen({"group": "build"}) == ["base-2", "more-1"]
    assert odd.made() == {"build-full.solv", "build-full-filenames.solvx", "odd-paths.json"}
    odd.keep_caches()
    assert odd.chosen({"group": "build"}) == ["base-2", "more-1"]
    assert odd.made() == set()


def test_the_first_question_may_be_for_a_file(tmp_path: Path) -> None:
    run = run_in(tmp_path, Package(name="base", odd_files=("/usr/share/odd",)))
    assert run.chosen({"requires": ["/usr/share/odd"]}) == ["base-1"]
    run.keep_caches()
    run.caches.chmod(0o555)
    assert run.chosen({"group": "build"}) == ["base-1"]
    assert run.made() == {"build.solv", "odd-paths.json"}


def test_metadata_that_no_dnf_can_read(tmp_path: Path) -> None:
    run = run_in(tmp_path, Package(name="base"))
    (run.repo / "repodata" / "primary.xml.gz").write_bytes(b"not what it was")
    answer = run({"group": "build"})
    assert run.code == UNUSABLE
    assert answer["problem"]


@pytest.mark.parametrize("compression", sorted(COMPRESSIONS))
def test_every_compression_is_read(tmp_path: Path, compression: str) -> None:
    packages = (
        Package(name="base", requires=("/usr/share/odd",)),
        Package(name="more", odd_files=("/usr/share/odd",)),
    )
    run = Run(tmp_path, write_xml_repo(tmp_path / "repo", packages, ("base",), compression=compression))
    assert run.chosen({"group": "build"}) == ["base-1", "more-1"]
    assert "something depends on /usr/share/odd" in run.said


@pytest.mark.parametrize("compression", sorted(COMPRESSIONS))
def test_metadata_that_are_cut_off(tmp_path: Path, compression: str) -> None:
    packages = [Package(name=f"p{number}", version=str(number)) for number in range(300)]
    repo = write_xml_repo(tmp_path / "repo", packages, ("p1",), compression=compression)
    (primary,) = (repo / "repodata").glob("primary*")
    primary.write_bytes(primary.read_bytes()[: primary.stat().st_size // 2])
    run = Run(tmp_path, repo)
    run({"group": "build"})
    assert run.code == UNUSABLE


@pytest.mark.parametrize("kind", ["primary", "filelists", "group"])
def test_metadata_that_expand_without_end(tmp_path: Path, kind: str) -> None:
    """What expands a thousandfold is refused before dnf holds it in memory, or on a disk."""
    packages = (Package(name="base", odd_files=("/usr/share/odd",)),)
    repo = write_xml_repo(tmp_path / "repo", packages, ("base",), compression="zst")
    (bomb,) = (repo / "repodata").glob(f"{kind}*")
    plain = subprocess.run(["zstd", "-dc", bomb], capture_output=True, check=True).stdout
    head, end = plain.rsplit(b"</", 1)
    bomb.write_bytes(zstd(head + b" " * (1 << 20) + b"</" + end))
    run = Run(tmp_path, repo)
    run.scripts = tmp_path / "scripts"
    run.scripts.mkdir()
    for name, text in PROGRAMS.items():
        shorter = text.replace("EXPANDED_LIMIT = 4 << 30", "EXPANDED_LIMIT = 1 << 20")
        (run.scripts / name).write_text(shorter)
    answer = run({"requires": ["/usr/share/odd"]} if kind == "filelists" else {"group": "build"})
    assert run.code == UNUSABLE
    assert answer["problem"] == f"{bomb.name} expands to more than {1 << 20} bytes"


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([], ["base-1", "tool-9"]),
        ([["enable", "foo:1"]], ["base-1", "tool-1"]),
        ([["enable", "foo:2"]], ["base-1", "tool-2"]),
        ([["disable", "foo"]], ["base-1", "tool-9"]),
        ([["disable", "*"]], ["base-1", "tool-9"]),
        ([["enable", "foo:1"], ["reset", "foo"], ["enable", "foo:2"]], ["base-1", "tool-2"]),
        ([["install", "foo:1/default"]], ["base-1", "extra-1", "tool-1"]),
    ],
)
def test_module_commands(tmp_path: Path, commands: list[list[str]], expected: list[str]) -> None:
    run = run_in(tmp_path, *MODULAR, modules=MODULES)
    assert run.chosen({"group": "build"}, modules=commands) == expected


def test_module_commands_that_fail(tmp_path: Path) -> None:
    run = run_in(tmp_path, *MODULAR, modules=MODULES)
    assert "bar" in run.problem({"group": "build"}, modules=[["enable", "bar"]])
    assert "bogus" in run.problem({"group": "build"}, modules=[["bogus", "foo"]])
    switched = run.problem({"group": "build"}, modules=[["enable", "foo:1"], ["enable", "foo:2"]])
    assert switched == "module enable foo:2: another stream of foo is enabled"


def test_streams_stay_enabled_for_later_requirements(tmp_path: Path) -> None:
    run = run_in(tmp_path, *MODULAR, modules=MODULES)
    requires = {"requires": ["tool"]}
    assert run.chosen(requires, modules=[["install", "foo:1/default"]]) == ["tool-1"]
    assert run.chosen(requires, modules=[["enable", "foo:1"]], module_hotfixes=True) == ["tool-9"]


def test_another_architecture(tmp_path: Path) -> None:
    run = run_in(
        tmp_path, Package(name="base", arch="i686"), Package(name="base", arch="x86_64", version="0")
    )
    assert run.chosen({"group": "build"}, arch="i686") == ["base-1"]
    (row,) = run({"group": "build"}, arch="i686")["install"]
    assert row["arch"] == "i686"


def test_the_script_needs_nothing_of_ours() -> None:
    assert Path(SYSTEM_PYTHON).resolve() != Path(sys.executable) or sys.prefix == sys.base_prefix
    assert not any("koji_adjutant" in text for text in PROGRAMS.values())


@pytest.mark.parametrize(
    ("managers", "lacking"), [(("dnf5",), "python3-libdnf5"), (("dnf4",), "python3-dnf")]
)
def test_a_package_manager_that_is_not_there(tmp_path: Path, managers: tuple[str, ...], lacking: str) -> None:
    run = run_in(tmp_path, Package(name="base"))
    (tmp_path / "dnf.py").write_text("raise ModuleNotFoundError(name='dnf')\n")
    run.environment["PYTHONPATH"] = str(tmp_path)
    run.managers = managers
    answer = run({"group": "build"})
    assert (run.code, answer["problem"], answer["install"]) == (LACKING, lacking, [])


def test_another_takes_its_place_where_that_is_allowed(tmp_path: Path) -> None:
    run = run_in(tmp_path, Package(name="base"))
    run.managers = ("dnf5", "dnf4")
    assert run.chosen({"group": "build"}) == ["base-1"]
    assert "WARNING: dnf4 solves in place of dnf5: there is no python3-libdnf5\nSolved by dnf 4." in run.said
