"""Options of the package manager: mock's own, and those of a site."""

from pathlib import Path

import pytest

from koji_adjutant.config.package_manager import PackageManagerOptions, read_package_managers
from koji_adjutant.errors import ConfigError

MOCKS = PackageManagerOptions(allow_erasing=True, settings=(("allow_vendor_change", "yes"),))
FEDORAS = """\
config_opts["dnf_common_opts"] = ["--setopt=install_weak_deps=0"]
config_opts["dnf5_common_opts"] = ["--setopt=install_weak_deps=0"]
"""


def options(directory: Path, text: str, manager: str = "dnf") -> PackageManagerOptions:
    file = directory / "site-defaults.cfg"
    file.write_text(text)
    return read_package_managers(file).options[manager]


@pytest.mark.parametrize("text", ["", "config_opts['environment']['A'] = '1'\n", "import os\n"])
def test_what_a_site_does_not_set_is_mocks(tmp_path: Path, text: str) -> None:
    assert options(tmp_path, text) == MOCKS
    assert options(tmp_path, text, "dnf5") == MOCKS
    assert options(tmp_path, text, "yum") == PackageManagerOptions(allow_erasing=False)


def test_no_file_is_mocks(tmp_path: Path) -> None:
    own, missing = read_package_managers(None), read_package_managers(tmp_path / "missing")
    assert own.options["dnf4"] == missing.options["dnf4"] == MOCKS


def test_a_site_that_replaces_the_list_erases_nothing(tmp_path: Path) -> None:
    expected = PackageManagerOptions(allow_erasing=False, settings=(("install_weak_deps", "0"),))
    for manager in ("dnf", "dnf4", "dnf5"):
        assert options(tmp_path, FEDORAS, manager) == expected


@pytest.mark.parametrize(
    ("text", "erasing", "settings"),
    [
        ("config_opts['dnf4_common_opts'] += ['--nobest']", True, [("best", "0")]),
        ("config_opts['dnf_common_opts'].append('--setopt=best=1')", True, [("best", "1")]),
        ("config_opts['dnf_common_opts'].extend(['-x', 'foo*'])", True, [("excludepkgs", "foo*")]),
        ("config_opts['dnf_common_opts'].append('--exclude=bar')", True, [("excludepkgs", "bar")]),
        ("config_opts['dnf_builddep_opts'] = ['--setopt', 'strict=0']", True, [("strict", "0")]),
        ("config_opts['dnf4_avoid_opts'] = {'builddep': ['--allowerasing']}", False, []),
        ("config_opts['dnf4_avoid_opts']['builddep'] = ['--allowerasing']", False, []),
        ("config_opts['dnf4_avoid_opts'] = {'update': ['--allowerasing']}", True, []),
        ("config_opts['dnf_common_opts'] += ['--setopt=build.retries=3', '-y', '--disableplugin=x']", True, []),
    ],
)  # fmt: skip
def test_what_a_site_adds(tmp_path: Path, text: str, erasing: bool, settings: list[tuple[str, str]]) -> None:
    expected = PackageManagerOptions(allow_erasing=erasing, settings=(*MOCKS.settings, *settings))
    assert options(tmp_path, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "config_opts['dnf_common_opts'] = options()",
        "config_opts['dnf_common_opts'] = ['--best', name]",
        "config_opts['dnf_common_opts'] = '--best'",
        "config_opts['dnf_common_opts'] = [1]",
        "config_opts['dnf_common_opts'].remove('--allowerasing')",
        "del config_opts['dnf_common_opts']",
        "if True:\n    config_opts['dnf_common_opts'] = []",
        "config_opts['dnf_common_opts'] = ['--setopt=tsflags=nodocs']",
        "config_opts['dnf_common_opts'] = ['--enablerepo=mine']",
        "config_opts['dnf4_avoid_opts'] = options()",
        "config_opts[",
    ],
)
def test_what_cannot_be_honoured_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"site-defaults\.cfg"):
        options(tmp_path, text)


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (["--no-best"], [("best", "0")]),
        (["--setopt=optional_metadata_types=filelists"], [("optional_metadata_types", "filelists")]),
        (["--skip-unavailable", "--no-allow-downgrade"], [("skip_unavailable", "1"), ("allow_downgrade", "0")]),
        (["--no-allow-vendor-change"], [("allow_vendor_change", "0")]),
        (["--setopt", "deltarpm=False", "--disable-plugin", "x", "--no-gpgchecks"], []),
    ],
)  # fmt: skip
def test_what_only_dnf5_has(tmp_path: Path, words: list[str], settings: list[tuple[str, str]]) -> None:
    expected = PackageManagerOptions(allow_erasing=False, settings=tuple(settings))
    assert options(tmp_path, f"config_opts['dnf5_common_opts'] = {words}", "dnf5") == expected


@pytest.mark.parametrize("word", ["--no-best", "--skip-unavailable", "--setopt=skip_broken=1"])
def test_what_dnf4_does_not_have(tmp_path: Path, word: str) -> None:
    with pytest.raises(ConfigError, match="cannot be honoured"):
        options(tmp_path, f"config_opts['dnf4_common_opts'] = [{word!r}]")


def test_the_package_manager_of_tags_that_name_none(tmp_path: Path) -> None:
    file = tmp_path / "site-defaults.cfg"
    assert read_package_managers(None).default == read_package_managers(file).default == "dnf"
    file.write_text("config_opts['package_manager'] = 'dnf5'\n")
    assert read_package_managers(file).default == "dnf5"
    for text in ("= choose()", "+= '5'", "= ['dnf5']"):
        file.write_text(f"config_opts['package_manager'] {text}\n")
        with pytest.raises(
            ConfigError, match=r"line 1: config_opts\['package_manager'\]: its value cannot be"
        ):
            read_package_managers(file)
