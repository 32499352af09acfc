"""What hub data and configuration make of a buildroot."""

from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.buildroot.settings import buildroot_settings, check_extra, rpm_macros
from koji_adjutant.config import Config
from koji_adjutant.errors import BuildrootFailed

CONFIG = Config(
    server="http://127.0.0.1/kojihub",
    topurls=("http://127.0.0.1/kojifiles", "http://127.0.0.2/kojifiles/"),
    state_dir=Path("/nonexistent"),
)
REPO = {"id": 7, "tag_id": 2, "tag_name": "dist-build", "state": koji.REPO_READY, "create_event": 74}
TAG: dict[str, Any] = {"id": 2, "name": "dist-build", "arches": "x86_64", "extra": {}}


def settings(repo: dict[str, Any] | None = None, arch: str = "x86_64", **extra: Any) -> Any:
    tag = {**TAG, "extra": extra}
    return buildroot_settings(
        repo={**REPO, **(repo or {})}, build_config=tag, arch=arch, group="build", config=CONFIG
    )


def test_each_topurl_is_a_baseurl_of_the_repo() -> None:
    assert settings().baseurls == (
        "http://127.0.0.1/kojifiles/repos/dist-build/7/x86_64",
        "http://127.0.0.2/kojifiles/repos/dist-build/7/x86_64",
    )


def test_arch_of_the_root_is_canonical_and_the_target_is_not() -> None:
    found = settings(arch="i686")
    assert (found.arch, found.target_arch) == ("i386", "i686")
    assert found.macros["%_host_cpu"] == "i686"
    assert found.macros["%_host"] == "i686-koji-linux-gnu"


@pytest.mark.parametrize("state", ["READY", "EXPIRED"])
def test_usable_repo_states(state: str) -> None:
    assert settings({"state": koji.REPO_STATES[state]}).repo_id == 7


@pytest.mark.parametrize("state", ["INIT", "DELETED", "PROBLEM"])
def test_other_repo_states_are_named(state: str) -> None:
    with pytest.raises(BuildrootFailed, match=f"repo 7 of tag dist-build is {state}"):
        settings({"state": koji.REPO_STATES[state]})


def test_repo_of_another_tag_is_refused() -> None:
    with pytest.raises(BuildrootFailed, match="belongs to tag other"):
        settings({"tag_id": 3, "tag_name": "other"})


def test_tag_macros_win_over_defaults_and_lose_to_forced_ones() -> None:
    extra = {"rpm.macro.vendor": "Acme", "rpm.macro.dist": ".x1", "rpm.macro._topdir": "/elsewhere"}
    macros = rpm_macros(extra, target_arch="x86_64", config=CONFIG)
    assert (macros["%vendor"], macros["%dist"], macros["%_topdir"]) == ("Acme", ".x1", "/builddir/build")


def test_tag_environment_is_added_to_mocks() -> None:
    extra: dict[str, Any] = {"rpm.env.CFLAGS": "-O0", "rpm.env.LANG": "C"}
    environment = settings(**extra).environment
    assert environment["CFLAGS"] == "-O0"
    assert environment["LANG"] == "C"
    assert environment["HOSTNAME"] == "mock"


@pytest.mark.parametrize(
    "extra",
    [
        {"mock.package_manager": "yum"},
        {"mock.forcearch": "s390x"},
        {"mock.module_setup_commands": [["enable", "x"]]},
        {"mock.plugin_conf.sign_enable": True},
    ],
)
def test_what_cannot_be_honoured_is_an_error_that_names_it(extra: dict[str, Any]) -> None:
    with pytest.raises(BuildrootFailed, match=next(iter(extra)).replace(".", r"\.")):
        check_extra("dist-build", extra)


def test_config_log_names_every_setting() -> None:
    extra: dict[str, Any] = {"mock.yum.best": 0, "mock.use_bootstrap": True, "rpm.macro.dist": ".x1"}
    found = settings(**extra)
    text = found.text(name="dist-build-3-7", images={"task": "localhost/task sha256:1"})
    for line in (
        "buildroot = dist-build-3-7",
        "repo = 7 (event 74)",
        "image task = localhost/task sha256:1",
        "macro %dist = .x1",
        "best = False",
        "without effect = mock.use_bootstrap",
        "environment LANG = C.UTF-8",
    ):
        assert line in text.splitlines()
    assert "%dist .x1\n" in found.rpmmacros
