"""The table: ids that stay what they are, needs that are there, and parts of it."""

import re

import pytest

from koji_adjutant.cli.doctor.table import CHECKS, chosen


def test_ids_and_titles() -> None:
    ids = [check.id for check in CHECKS]
    assert len(set(ids)) == len(ids) >= 50
    assert not [one for one in ids if not re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*", one)]
    assert len({check.title for check in CHECKS}) == len(CHECKS)


def test_what_is_needed_is_told_before() -> None:
    for place, check in enumerate(CHECKS):
        earlier = {one.id for one in CHECKS[:place]}
        assert set(check.needs) <= earlier, check.id
        if check.id != "config.file":
            assert check.needs, check.id


def test_a_part_has_all_that_it_needs() -> None:
    ids = [check.id for check in chosen(["host.enabled"])]
    assert ids == [
        "config.file",
        "hub.resolver",
        "hub.reachable",
        "hub.login",
        "hub.login-name",
        "host.enabled",
    ]
    assert chosen(["credentials"])[0].id == "config.file"
    assert len(chosen(["credentials"])) == 5
    assert chosen([]) == CHECKS


def test_a_name_that_is_none() -> None:
    with pytest.raises(KeyError, match=r"hub\.nothing"):
        chosen(["hub.login", "hub.nothing"])
