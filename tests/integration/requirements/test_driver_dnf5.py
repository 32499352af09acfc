"""The solver with dnf 5, in a task image of Debian testing: metadata, caches, options, and what it says."""

import shutil
from pathlib import Path

import pytest

from koji_adjutant.buildroot.install.drivers import SCRIPTS
from koji_adjutant.buildroot.install.solver import UNUSABLE
from tests.integration.requirements.oracle import SidesInImage
from tests.integration.running import Testbed
from tests.unit.buildroot.install.test_solver_script import Run
from tests.unit.buildroot.xml_repo import COMPRESSIONS, Package, write_xml_repo, zstd

pytestmark = [pytest.mark.podman, pytest.mark.distribution("testing")]

FILE_LISTS = {"allow_erasing": True, "set": [["optional_metadata_types", "filelists"]]}
ODD = (
    Package(name="base", requires=("/usr/share/odd",)),
    Package(name="more", odd_files=("/usr/share/odd",)),
)


@pytest.fixture
def where(testbed: Testbed) -> SidesInImage:
    return SidesInImage(testbed.engine.socket, testbed.description.task_image)


def run_of(
    where: SidesInImage, directory: Path, *packages: Package, compression: str = "gz", modules: str = ""
) -> Run:
    """Runs with these packages; the group is `base`."""
    repo = write_xml_repo(directory / "repo", packages, ("base",), compression=compression, modules=modules)
    run = Run(directory, repo)
    run.managers = ("dnf5",)
    run.python = where.python(directory)
    run.scripts = directory / "scripts"
    shutil.copytree(SCRIPTS, run.scripts)
    return run


@pytest.mark.parametrize("compression", sorted(COMPRESSIONS))
def test_file_lists_are_read_where_an_option_says_so(
    where: SidesInImage, tmp_path: Path, compression: str
) -> None:
    run = run_of(where, tmp_path, *ODD, compression=compression)
    problem = run.problem({"group": "build"})
    assert "nothing provides /usr/share/odd needed by base-1-1.noarch" in problem
    assert "dnf 5 reads no file lists unless optional_metadata_types=filelists" in problem
    assert run.chosen({"group": "build"}, options=FILE_LISTS) == ["base-1", "more-1"]
    assert "Solved by libdnf5 5." in run.said


def test_caches_are_made_once(where: SidesInImage, tmp_path: Path) -> None:
    run = run_of(where, tmp_path, *ODD)
    run({"requires": ["more"]})
    assert run.made() == {"build.solv", "build-group.solvx"}
    run.keep_caches()
    assert run.chosen({"requires": ["more"]}) == ["more-1"]
    assert run.made() == set()
    assert run.chosen({"group": "build"}, options=FILE_LISTS) == ["base-1", "more-1"]
    assert run.made() == {"build-filelists.solvx"}


@pytest.mark.parametrize("compression", ["gz", "zst"])
def test_metadata_that_are_cut_off(where: SidesInImage, tmp_path: Path, compression: str) -> None:
    packages = [Package(name=f"p{number}", version=str(number)) for number in range(300)]
    run = run_of(where, tmp_path, Package(name="base"), *packages, compression=compression)
    (primary,) = (run.repo / "repodata").glob("primary*")
    primary.write_bytes(primary.read_bytes()[: primary.stat().st_size // 2])
    run({"group": "build"})
    assert run.code == UNUSABLE


@pytest.mark.parametrize("kind", ["primary", "group"])
def test_metadata_that_expand_without_end(where: SidesInImage, tmp_path: Path, kind: str) -> None:
    run = run_of(where, tmp_path, Package(name="base"), compression="zst")
    (bomb,) = (run.repo / "repodata").glob(f"{kind}*")
    bomb.write_bytes(zstd(b" " * (2 << 20)))
    program = run.scripts / "solver_metadata.py"
    program.write_text(program.read_text().replace("EXPANDED_LIMIT = 4 << 30", "EXPANDED_LIMIT = 1 << 20"))
    answer = run({"group": "build"})
    assert (run.code, answer["problem"]) == (
        UNUSABLE,
        f"{bomb.name} expands to more than {1 << 20} bytes",
    )


def test_what_cannot_be_is_said(where: SidesInImage, tmp_path: Path) -> None:
    run = run_of(where, tmp_path, Package(name="base", requires=("nowhere = 3",)))
    assert "nothing provides nowhere = 3 needed by base-1-1.noarch" in run.problem({"group": "build"})
    assert run.problem({"group": "missing"}) == "No group missing in the repo's comps."
    assert run.problem({"requires": ["lost >= 7"]}) == "No match for argument: lost >= 7"
    bogus = {"allow_erasing": True, "set": [["bogus", "1"]]}
    assert "bogus=1" in run.problem({"requires": ["base"]}, options=bogus)
    problem = run.problem({"group": "build"}, modules=[["enable", "foo:1"]])
    assert problem == "module_setup_commands are not available with dnf 5 here"


def test_options_and_architectures(where: SidesInImage, tmp_path: Path) -> None:
    run = run_of(
        where,
        tmp_path,
        Package(name="base", version="2", arch="x86_64", requires=("nowhere",)),
        Package(name="base", version="1", arch="x86_64", base="http://example.org/ext/"),
        Package(name="base", version="3", arch="i686"),
    )
    assert "nothing provides nowhere" in run.problem({"group": "build"})
    no_best = {"allow_erasing": True, "set": [["best", "0"]]}
    (row,) = run({"group": "build"}, options=no_best)["install"]
    assert (row["version"], row["base"]) == ("1", "http://example.org/ext/")
    excluded = {"allow_erasing": True, "set": [["excludepkgs", "base-2*"], ["excludepkgs", "nothing"]]}
    assert run.chosen({"group": "build"}, options=excluded) == ["base-1"]
    assert run.chosen({"group": "build"}, arch="i686") == ["base-3"]
