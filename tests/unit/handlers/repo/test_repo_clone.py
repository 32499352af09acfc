"""Metadata are copied from an old repo only where the new one would get the same."""

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.config import Config
from koji_adjutant.handlers.repo.new_repo import NewRepoTask
from tests.unit.handlers.conftest import MakeHandler
from tests.unit.handlers.replay import ReplaySession, recorded
from tests.unit.task_adapters.repos import lay_out_repo

TAG = "dist-md-build"
OLD, NEW = 3, 4


def kw(**words: Any) -> dict[str, Any]:
    return {**words, "__starstar": True}


@pytest.fixture
def repos(config: Config) -> tuple[Path, Path]:
    """Repo 3 with metadata and repo 4 without, the same in all else."""
    topdir = Path(config.topdir)
    (topdir / "repos").mkdir(parents=True)
    found = []
    for number in (OLD, NEW):
        repo = lay_out_repo(topdir, TAG, number, [])
        (repo / "repo.json").write_text(json.dumps({"id": number, "with_debuginfo": True}))
        found.append(repo)
    # Not of the repo's directory itself: toplink there leads in circles.
    (topdir / "nothing").mkdir()
    subprocess.run(
        ["createrepo_c", "--quiet", "-o", found[0] / "x86_64", topdir / "nothing"], check=True, timeout=30
    )
    return found[0], found[1]


@pytest.fixture
def cloning(config: Config) -> Config:
    return dataclasses.replace(config, copy_old_repodata=True)


def external_calls(number: int = 2) -> list[dict[str, Any]]:
    events = (73, 74)[:number]
    return [{"call": "getExternalRepoList", "args": [2, kw(event=event)], "result": []} for event in events]


def run(make_handler: MakeHandler, config: Config, calls: list[dict[str, Any]]) -> ReplaySession:
    session = ReplaySession(calls)
    make_handler(NewRepoTask, 20, [TAG], session, config=config).run()
    assert session.finished()
    return session


def test_identical_arch_is_copied(
    make_handler: MakeHandler, cloning: Config, repos: tuple[Path, Path]
) -> None:
    names = sorted(path.name for path in (repos[0] / "x86_64/repodata").iterdir())
    done = {
        "call": "host.repoDone",
        "args": [
            4,
            {"x86_64": ["tasks/20/20", names]},
            kw(repo_json_updates={"cloned_from_repo_id": 3, "cloned_archs": ["x86_64"]}),
        ],
    }
    session = run(make_handler, cloning, [*recorded("new_repo")[:3], *external_calls(), done])
    assert sorted(session.uploaded) == names


def differ_in_options(new: Path) -> None:
    (new / "repo.json").write_text(json.dumps({"with_debuginfo": False}))


def differ_in_groups(new: Path) -> None:
    (new / "groups/comps.xml").write_text("<comps/>")


def lack_groups(new: Path) -> None:
    (new / "groups/comps.xml").unlink()


def lack_description(new: Path) -> None:
    (new / "repo.json").unlink()


@pytest.mark.parametrize("change", [differ_in_options, differ_in_groups, lack_groups, lack_description])
def test_other_repo_is_not_copied(
    make_handler: MakeHandler, cloning: Config, repos: tuple[Path, Path], change: Any
) -> None:
    change(repos[1])
    run(make_handler, cloning, recorded("new_repo"))


def differ_in_packages(_old: Path, new: Path) -> None:
    (new / "x86_64/pkglist").write_text("toplink/packages/other.rpm\n")


def lack_blocklist(old: Path, _new: Path) -> None:
    (old / "x86_64/blocklist").unlink()


def lack_metadata(old: Path, _new: Path) -> None:
    shutil.rmtree(old / "x86_64/repodata")


def lack_a_file(old: Path, _new: Path) -> None:
    next((old / "x86_64/repodata").glob("*primary.xml.gz")).unlink()


@pytest.mark.parametrize("change", [differ_in_packages, lack_blocklist, lack_metadata, lack_a_file])
def test_other_arch_is_not_copied(
    make_handler: MakeHandler, cloning: Config, repos: tuple[Path, Path], change: Any
) -> None:
    change(*repos)
    calls = recorded("new_repo")
    session = run(make_handler, cloning, [*calls[:3], *external_calls(), *calls[3:]])
    assert not session.uploaded


def test_external_repos_are_not_copied(
    make_handler: MakeHandler, cloning: Config, repos: tuple[Path, Path]
) -> None:
    calls = recorded("new_repo")
    external = external_calls(1)
    external[0]["result"] = [{"url": "http://a/"}]
    run(make_handler, cloning, [*calls[:3], *external, *calls[3:]])
