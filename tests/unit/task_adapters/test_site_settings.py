"""What a builder adds to builds: below what Koji and the tag say, and whom a limit of processors concerns."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.buildroot.settings import BuildrootSettings, buildroot_settings
from koji_adjutant.config import Config
from koji_adjutant.config.build_mounts import BuildMount
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildroot_adapter import build_container_spec

SITE = Config(
    server="http://127.0.0.1/kojihub",
    topurls=("http://127.0.0.1/kojifiles",),
    state_dir=Path("/nonexistent"),
    build_env={"SITE": "builder", "LANG": "C", "BOTH": "builder"},
    build_macros={"%site": "builder", "%both": "builder", "%vendor": "builder", "%_topdir": "/elsewhere"},
    build_mounts=(BuildMount(source="/srv/keys", target="/keys"),),
    container_mounts=(BuildMount(source="/srv/tools", target="/tools"),),
)


def settings(extra: Mapping[str, Any], **options: Any) -> BuildrootSettings:
    repo = {"id": 7, "tag_id": 2, "tag_name": "dist-build", "state": koji.REPO_READY, "create_event": 74}
    tag = {"id": 2, "name": "dist-build", "arches": "x86_64", "extra": extra}
    return buildroot_settings(
        repo=repo, build_config=tag, arch="x86_64", group="build", config=SITE, **options
    )


def test_the_tag_wins_over_the_builder_and_koji_over_both() -> None:
    found = settings({"rpm.macro.both": "tag", "rpm.env.BOTH": "tag", "rpm.macro._topdir": "/tag"})
    assert (found.macros["%site"], found.macros["%both"]) == ("builder", "tag")
    assert (found.macros["%vendor"], found.macros["%_topdir"]) == ("Koji", "/builddir/build")
    assert (found.environment["SITE"], found.environment["BOTH"]) == ("builder", "tag")
    assert found.environment["LANG"] == "C"


def test_without_a_limit_a_build_counts_processors_itself() -> None:
    found = settings({})
    assert "%_smp_build_ncpus" not in found.macros
    assert "RPM_BUILD_NCPUS" not in found.environment


@pytest.mark.parametrize(
    ("extra", "expected"),
    [({}, "3"), ({"rpm.macro._smp_build_ncpus": "1", "rpm.env.RPM_BUILD_NCPUS": "1"}, "1")],
)
def test_a_limit_of_processors_is_told_unless_the_tag_knows_better(
    extra: dict[str, str], expected: str
) -> None:
    found = settings(extra, ncpus=3)
    assert found.macros["%_smp_build_ncpus"] == expected
    assert found.environment["RPM_BUILD_NCPUS"] == expected


def test_mounts_of_builds_are_not_those_of_tools(ctx: TaskContext) -> None:
    site = dataclasses.replace(ctx, config=SITE, parameters={"method": "buildArch"})
    made = build_container_spec(site, settings({}), 3)
    assert [mount for mount in made.mounts if mount.kind == "bind"] == list(SITE.build_mounts)
    assert made.network == "none"
