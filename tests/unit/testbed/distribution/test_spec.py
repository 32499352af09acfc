"""Specs as text."""

import stat

from koji_adjutant.testbed.distribution.debian import Version
from koji_adjutant.testbed.distribution.spec import Spec, file_entry

VERSION = Version(epoch="0", version="1.0", release="2")


def test_spec_has_sorted_relations_and_no_empty_tags() -> None:
    spec = Spec(
        name="tool",
        version=VERSION,
        summary="100% of a tool",
        requires=["b", "a", "b"],
        provides=["c"],
        files=['"/usr/bin/tool"'],
    )
    assert str(spec).splitlines() == [
        "Name: tool",
        "Version: 1.0",
        "Release: 2",
        "Summary: 100%% of a tool",
        "License: see copyright file",
        "AutoReqProv: no",
        "Requires: a",
        "Requires: b",
        "Provides: c",
        "",
        "%description",
        "100%% of a tool",
        "",
        "%files",
        '"/usr/bin/tool"',
    ]


def test_spec_has_epoch_and_architecture_where_they_matter() -> None:
    text = str(
        Spec(
            name="tool", version=Version(epoch="3", version="1", release="1"), summary="a\ttool", noarch=True
        )
    )
    assert "Epoch: 3\n" in text
    assert "BuildArch: noarch\n" in text
    assert "a tool" in text


def test_file_entries_by_kind() -> None:
    assert file_entry("/usr/bin/[", stat.S_IFREG | 0o755) == '%attr(0755,root,root) "/usr/bin/["'
    assert file_entry("/var/mail", stat.S_IFDIR | 0o2775, group="mail") == (
        '%dir %attr(2775,root,mail) "/var/mail"'
    )
    assert file_entry("/etc/a%b", stat.S_IFREG | 0o644, config=True) == (
        '%config(noreplace) %attr(0644,root,root) "/etc/a%%b"'
    )
    assert file_entry("/usr/bin/sh", stat.S_IFLNK | 0o777) == '"/usr/bin/sh"'


def test_the_file_of_a_package_without_an_architecture() -> None:
    version = Version(epoch="2", version="1.0", release="3")
    assert Spec(name="a", version=version, summary="s", noarch=True).noarch_file == "a-1.0-3.noarch.rpm"
    assert not Spec(name="a", version=version, summary="s").noarch_file
