"""What hub data and configuration make of a buildroot."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path, PosixPath
from typing import Any

import koji
import pytest

from koji_adjutant.buildroot.settings import NOTHING, buildroot_settings, check_extra, rpm_macros
from koji_adjutant.config import Config
from koji_adjutant.config.package_manager import PackageManagerOptions
from koji_adjutant.errors import BuildrootFailed

CONFIG = Config(
    server="http://127.0.0.1/kojihub",
    topurls=("http://127.0.0.1/kojifiles", "http://127.0.0.2/kojifiles/"),
    state_dir=Path("/nonexistent"),
)
REPO = {"id": 7, "tag_id": 2, "tag_name": "dist-build", "state": koji.REPO_READY, "create_event": 74}
TAG: dict[str, Any] = {"id": 2, "name": "dist-build", "arches": "x86_64", "extra": {}}


def settings(
    extra: Mapping[str, Any] = NOTHING,
    *,
    repo: dict[str, Any] | None = None,
    arch: str = "x86_64",
    config: Config = CONFIG,
) -> Any:
    tag = {**TAG, "extra": dict(extra)}
    return buildroot_settings(
        repo={**REPO, **(repo or {})}, build_config=tag, arch=arch, group="build", config=config
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
    assert settings(repo={"state": koji.REPO_STATES[state]}).repo_id == 7


@pytest.mark.parametrize("state", ["INIT", "DELETED", "PROBLEM"])
def test_other_repo_states_are_named(state: str) -> None:
    with pytest.raises(BuildrootFailed, match=f"repo 7 of tag dist-build is {state}"):
        settings(repo={"state": koji.REPO_STATES[state]})


def test_repo_of_another_tag_is_refused() -> None:
    with pytest.raises(BuildrootFailed, match="belongs to tag other"):
        settings(repo={"tag_id": 3, "tag_name": "other"})


def test_tag_macros_win_over_defaults_and_lose_to_forced_ones() -> None:
    extra = {"rpm.macro.vendor": "Acme", "rpm.macro.dist": ".x1", "rpm.macro._topdir": "/elsewhere"}
    macros = rpm_macros(extra, target_arch="x86_64", config=CONFIG)
    assert (macros["%vendor"], macros["%dist"], macros["%_topdir"]) == ("Acme", ".x1", "/builddir/build")


def test_tag_environment_is_added_to_mocks() -> None:
    extra: dict[str, Any] = {"rpm.env.CFLAGS": "-O0", "rpm.env.LANG": "C"}
    environment = settings(extra).environment
    assert environment["CFLAGS"] == "-O0"
    assert environment["LANG"] == "C"
    assert environment["HOSTNAME"] == "mock"


def test_what_cannot_be_honoured_is_an_error_that_names_it() -> None:
    with pytest.raises(BuildrootFailed, match=r"mock\.plugin_conf\.sign_enable"):
        check_extra("dist-build", {"mock.plugin_conf.sign_enable": True})


@pytest.mark.parametrize(
    "extra",
    [{"rpm.macro.empty": ""}, {"rpm.macro.two words": "1"}, {"rpm.macro.": "1"}, {"rpm.env.A=B": "1"}],
)
def test_what_no_macro_or_variable_can_be_is_an_error_that_names_it(extra: dict[str, Any]) -> None:
    with pytest.raises(BuildrootFailed, match=next(iter(extra)).replace(".", r"\.")):
        settings(extra)


def test_a_list_of_module_commands() -> None:
    extra: dict[str, Any] = {"mock.module_setup_commands": [["disable", "*"], ["enable", "one:1, two"]]}
    assert settings(extra).modules == (("disable", "*"), ("enable", "one:1, two"))
    with pytest.raises(BuildrootFailed, match=r"mock\.module_setup_commands"):
        settings({"mock.module_setup_commands": ["enable"]})


def test_settings_that_koji_writes_only_when_they_are_on() -> None:
    off: dict[str, Any] = {"mock.yum.module_hotfixes": 0}
    assert settings(off).module_hotfixes is None
    on: dict[str, Any] = {"mock.yum.module_hotfixes": True, "mock.forcearch": 1}
    found = settings(on, arch="i686")
    assert (found.module_hotfixes, found.forcearch) == (True, "i686")


ODD = {
    "rpm.macro.quotes": """it's "one" value""",
    "rpm.macro.lines": "%{expand:first\\\nsecond}",
    "rpm.macro.signs": "%{?dist}%%$HOME `x` \\\\ #",
    "rpm.macro.number": 3,
    "rpm.env.ODD": "a b\n'c' \"d\" $e %f",
    "mock.use_bootstrap": True,
    "mock.releasever": "10",
    "mock.yum.best": 1,
}


def test_config_log_is_a_configuration_that_mock_takes() -> None:
    found = settings(ODD)
    taken: dict[str, Any] = {"plugin_conf": {}, "macros": {}, "environment": {}, "files": {}}
    text = found.text(name="dist-build-3-7", images={}, buildroot_id=3)
    exec(text, {"config_opts": taken})
    assert "# Koji buildroot id: 3" in text.splitlines()
    assert taken["chroot_setup_cmd"] == "install @build"
    assert all(f"{url}\n" in taken["yum.conf"] for url in found.baseurls)
    assert {name: found.macros[name] for name in taken["macros"]} == taken["macros"]
    assert {name: found.environment[name] for name in taken["environment"]} == taken["environment"]
    assert (taken["releasever"], taken["use_bootstrap"]) == ("10", True)


def test_config_log_says_what_mock_has_no_words_for() -> None:
    found = settings(ODD)
    text = found.text(
        name="dist-build-3-7",
        images={"task": "localhost/task sha256:1"},
        notes={"limit memory": "4G (limits)"},
    )
    for line in (
        "# event of the repo = 74",
        "# image task = localhost/task sha256:1",
        "# macro %number = 3",
        "# without effect = mock.use_bootstrap",
        "# environment LANG = C.UTF-8",
        "# limit memory = 4G (limits)",
    ):
        assert line in text.splitlines()


def test_macros_stand_in_the_order_of_mock() -> None:
    names = [line.split()[0] for line in settings({"rpm.macro.dist": ".x1"}).rpmmacros.splitlines()]
    assert names == [
        "%_topdir", "%_rpmfilename", "%_host", "%_host_cpu", "%dist", "%distribution", "%packager", "%vendor",
        "%_buildhost", "%_openpgp_autosign_id",
    ]  # fmt: skip


def test_a_build_signs_nothing_whatever_key_is_named() -> None:
    """rpm 6 would do it by itself, and fail where it has no such key."""
    lines = settings({"rpm.macro._openpgp_autosign_id": "key@example.org"}).rpmmacros.splitlines()
    assert [line for line in lines if "autosign" in line] == ["%_openpgp_autosign_id %{nil}"]


def test_a_build_host_that_the_tag_names_is_its_only_one() -> None:
    extra = {"rpm.macro._buildhost": "builder.example"}
    assert settings(extra).rpmmacros.count("%_buildhost builder.example\n") == 1


def test_what_the_builder_adds_is_below_what_the_tag_says() -> None:
    config = dataclasses.replace(
        CONFIG, build_env={"LANG": "C", "A": "1"}, build_macros={"%dist": ".b", "%own": "1", "%_topdir": "/x"}
    )
    tag = {**TAG, "extra": {"rpm.macro.dist": ".x1", "rpm.env.A": "2"}}
    found = buildroot_settings(repo=REPO, build_config=tag, arch="x86_64", group="build", config=config)
    assert (found.macros["%dist"], found.macros["%own"], found.macros["%_topdir"]) == (
        ".x1",
        "1",
        "/builddir/build",
    )
    assert (found.environment["LANG"], found.environment["A"]) == ("C", "2")


def test_the_package_manager_is_the_tags_then_the_sites(tmp_path: Path) -> None:
    file = tmp_path / "site-defaults.cfg"
    file.write_text(
        "config_opts['package_manager'] = 'dnf5'\nconfig_opts['dnf4_common_opts'] = ['--nobest']\n"
    )
    mock = dataclasses.replace(CONFIG, mock_site_defaults=file)
    assert settings().package_manager == "dnf"
    assert settings(config=mock).package_manager == "dnf5"
    tags = settings({"mock.package_manager": "dnf4"}, config=mock)
    assert (tags.package_manager, tags.fallbacks) == ("dnf4", ())


class CountedFile(PosixPath):
    """A file that knows how often it was read."""

    read = 0

    def read_bytes(self) -> bytes:
        self.read += 1
        return super().read_bytes()


def test_a_task_reads_the_sites_file_once(tmp_path: Path) -> None:
    file = CountedFile(tmp_path / "site-defaults.cfg")
    file.write_text("config_opts['package_manager'] = 'dnf5'\n")
    mock = dataclasses.replace(CONFIG, mock_site_defaults=file, package_manager_fallback=True)
    found = settings(config=mock)
    assert (found.package_manager, [name for name, _ in found.fallbacks]) == ("dnf5", ["dnf4"])
    assert file.read == 1


def test_what_takes_the_place_of_a_package_manager_has_options_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "site-defaults.cfg"
    file.write_text("config_opts['dnf4_common_opts'] = ['--nobest']\n")
    mock = dataclasses.replace(CONFIG, mock_site_defaults=file, package_manager_fallback=True)
    found = settings({"mock.package_manager": "dnf5"}, config=mock)
    assert found.manager_options.allow_erasing
    options = PackageManagerOptions(allow_erasing=False, settings=(("best", "0"),))
    assert found.fallbacks == (("dnf4", options),)
    assert "# package manager in place of it = dnf4\n" in found.text(name="root", images={})
    assert settings({"mock.package_manager": "microdnf"}, config=mock).fallbacks == ()
