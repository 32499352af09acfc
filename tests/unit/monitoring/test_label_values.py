"""Tables that bound labels: they have what the daemon has, and nothing else gets in."""

import pytest

from koji_adjutant.container.labels import Role
from koji_adjutant.journal.requests import OTHER
from koji_adjutant.monitoring.families import FAMILIES
from koji_adjutant.monitoring.label_values import (
    KINDS_OF_CONTAINERS,
    METHODS_LIMIT,
    VALUES,
    Methods,
    bounded,
    one_of_few,
)


def test_containers_are_of_the_roles_that_there_are() -> None:
    """Monitoring does not import the room of containers."""
    assert {role.value for role in Role} == KINDS_OF_CONTAINERS


def test_every_label_has_a_table() -> None:
    """Methods of tasks are those that were served, and `info` is one series."""
    labels = {(family.name, label) for family in FAMILIES for label in family.labels if family.name != "info"}
    of_tasks = {(name, label) for name, label in labels if label == "method" and not name.startswith("hub")}
    assert labels - of_tasks == VALUES.keys()


@pytest.mark.parametrize("odd", [None, 7, ["ok"], "OK", "", "ok\n"], ids=repr)
def test_what_is_in_no_table_is_other(odd: object) -> None:
    assert bounded(odd, {"ok"}) == OTHER


def test_methods_are_words_and_not_endless() -> None:
    methods = Methods(["buildArch", "a b", "", 'x"} 1', "m" * 65])
    assert methods.known == {"buildArch"}
    methods.learn(f"method{number}" for number in range(1000))
    assert len(methods.known) == METHODS_LIMIT
    assert methods.label("buildArch") == "buildArch"
    assert methods.label("method999") == OTHER


def test_a_text_is_one_line() -> None:
    assert one_of_few("a\nb\x1b" + "c" * 1000) == "a?b?" + "c" * 196
