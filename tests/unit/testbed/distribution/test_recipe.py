"""The tables of the distribution."""

import platform

import pytest
from pytest_mock import MockerFixture

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.distribution.recipe import (
    RELEASE,
    TESTING,
    account_names,
    check_machine,
    fingerprint,
    read_groups,
    read_recipe,
    read_root_layout,
    toolbox_of,
)


def test_groups_have_no_compiler_where_none_belongs() -> None:
    groups = read_groups()
    assert {"gcc", "gcc-c++"} <= set(groups["build"])
    assert not {"gcc", "gcc-c++"} & {*groups["srpm-build"], *groups["base"]}


def test_trimmed_paths() -> None:
    trimmed = read_recipe().trimmed
    assert trimmed.search("/usr/share/locale/de/LC_MESSAGES/a.mo")
    assert trimmed.search("/usr/share/man/de/man1/ls.1.gz")
    assert not trimmed.search("/usr/share/man/man1/ls.1.gz")
    assert not trimmed.search("/usr/share/doc/bash/copyright")


def test_accounts_of_the_skeleton_have_their_shadows() -> None:
    files = read_root_layout().files
    for plain, shadow in (("passwd", "shadow"), ("group", "gshadow")):
        named = [line.split(":")[0] for line in files[f"/etc/{shadow}"].read_text().splitlines()]
        assert named == list(account_names(plain).values())


def test_fingerprint_stays_the_same() -> None:
    assert fingerprint() == fingerprint()


def test_other_machines_are_told_what_to_do(mocker: MockerFixture) -> None:
    mocker.patch.object(platform, "machine", return_value="aarch64")
    with pytest.raises(ConfigError, match="this machine is aarch64; give the testbed"):
        check_machine()


def test_a_release_has_more_in_its_toolbox() -> None:
    default, testing = read_recipe(), read_recipe(release=TESTING)
    assert set(testing.seeds) - set(default.seeds) == {"dnf5", "python3-libdnf5"}
    assert toolbox_of(TESTING) == ("dnf5", "python3-libdnf5")
    assert not toolbox_of(RELEASE)
    assert set(read_recipe("i686", TESTING).seeds) == set(read_recipe("i686").seeds)


def test_a_release_that_no_distribution_is_made_of() -> None:
    with pytest.raises(
        ConfigError, match="no distribution is made of Debian trixie, but of bookworm and testing"
    ):
        read_recipe(release="trixie")


def test_a_second_machine_has_no_packages_but_those_of_the_first() -> None:
    first, second = read_recipe(), read_recipe("i686")
    assert set(second.seeds) < set(first.seeds)
    assert (second.machine.debian, second.machine.own) == ("i386", frozenset())
    assert f"/usr/lib/{second.machine.multiarch}" in read_root_layout(second.machine.multiarch).directories
    assert (second.names, second.links, second.scriptlets) == (first.names, first.links, first.scriptlets)
