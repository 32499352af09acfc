"""Debian's metadata in RPM's terms."""

import pytest

from koji_adjutant.testbed.distribution.debian import (
    Relation,
    Version,
    parse_control,
    parse_relation,
    parse_version,
    relations,
    rpm_requirement,
)


@pytest.mark.parametrize(
    ("text", "expected", "shown"),
    [
        ("1.2-3", Version(epoch="0", version="1.2", release="3"), "1.2-3"),
        ("1:2.36-9+deb12u4", Version(epoch="1", version="2.36", release="9+deb12u4"), "1:2.36-9+deb12u4"),
        ("20230311", Version(epoch="0", version="20230311", release="0"), "20230311-0"),
        ("1.0-rc1-2", Version(epoch="0", version="1.0.rc1", release="2"), "1.0.rc1-2"),
        ("2:1.7", Version(epoch="2", version="1.7", release="0"), "2:1.7-0"),
    ],
)
def test_version(text: str, expected: Version, shown: str) -> None:
    assert parse_version(text) == expected
    assert str(parse_version(text)) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("libc6", "libc6"),
        ("python3:any", "python3"),
        ("libc6 (>= 2.36)", "libc6 >= 2.36"),
        ("libc6 (= 2.36-9)", "libc6 = 2.36-9"),
        ("libfoo (= 1.0)", "libfoo = 1.0-0"),
        ("libc6 (>> 2.36)", "libc6 >= 2.36"),
        ("libc6 (>> 2.36-9)", "libc6 > 2.36-9"),
        ("libc6 (<< 2.37)", "libc6 < 2.37"),
        ("libc6 (<< 2.37-.)", "libc6"),
        ("procps (>= 2:4.0.2)", "procps >= 2:4.0.2"),
        ("g++ (>= 4:10.2.0-1~) [amd64]", "g++ >= 4:10.2.0-1~"),
    ],
)
def test_requirement(text: str, expected: str) -> None:
    assert rpm_requirement(parse_relation(text)) == expected


def test_relation_needs_a_name() -> None:
    with pytest.raises(ValueError, match="not a Debian relation"):
        parse_relation("(>= 1)")


def test_control_keeps_the_lines_of_folded_fields() -> None:
    fields = parse_control("Package: hello\nDescription: greets\n Says it\n .\n twice\nDepends: a,\n b\n")
    assert fields == {"Package": "hello", "Description": "greets\nSays it\n.\ntwice", "Depends": "a,\nb"}


def test_relations_are_alternatives_of_each_field_in_turn() -> None:
    fields = {"Pre-Depends": "a", "Depends": "b | c (>= 2),\nd"}
    assert list(relations(fields, "Pre-Depends", "Depends", "Recommends")) == [
        (Relation(name="a"),),
        (Relation(name="b"), Relation(name="c", operator=">=", version="2")),
        (Relation(name="d"),),
    ]
