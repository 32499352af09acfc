"""Figures, their limits, and what is written of them."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import MEASUREMENTS, chosen
from benchmarks.figures import LIMITS, Against, figure, table, write
from koji_adjutant.errors import AdjutantError

PROMISED = {
    "warm_hello",
    "warm_needsdeps",
    "warm_long_ratio",
    "chatty_over_bare",
    "chatty_uploads",
    "cold_hello",
    "cold_needsdeps",
    "build_total",
    "build_scm_total",
    "warm_srpm_from_scm",
    "stall_while_imaging",
    "new_repo_extra",
    "new_repo_changed_extra",
    "status_cost",
    "status_rss",
    "task_rss",
}


def test_the_median_is_what_counts() -> None:
    within = figure("warm_hello", [0.9, 1.0, 9.0], against=None)
    over = figure("warm_hello", [0.9, 1.2, 1.3], against=None)
    assert (within.value, within.is_broken) == (1.0, False)
    assert (over.value, over.is_broken) == (1.2, True)


def test_what_is_not_promised_is_never_over() -> None:
    assert not figure("bare_hello", [100.0], against=None).is_broken


def test_a_limit_may_depend_on_what_is_measured_beside() -> None:
    assert figure("new_repo_changed_extra", [3.5], against=None, limit=3.0).is_broken


def test_the_table_shows_what_is_over() -> None:
    against = Against(what="mock", value=5.53)
    head, fine, over = table(
        [figure("warm_hello", [1.0], against=against), figure("chatty_uploads", [401], "calls", against=None)]
    )
    assert "limit" in head
    assert "5.53  mock" in fine
    assert "OVER" not in fine
    assert over.endswith("OVER")


def test_what_is_written(tmp_path: Path) -> None:
    against = Against(what="mock", value=5.53)
    write(tmp_path / "latest.json", [figure("warm_hello", [1.0, 0.8, 0.9], against=against)], "tmpfs")
    assert json.loads((tmp_path / "latest.json").read_text()) == {
        "warm_hello": {
            "value": 0.9,
            "unit": "s",
            "runs": 3,
            "limit": 1.1,
            "against": {"what": "mock", "value": 5.53},
            "samples": [1.0, 0.8, 0.9],
            "storage": "tmpfs",
        }
    }


def test_every_promise_is_measured() -> None:
    assert {name for one in MEASUREMENTS for name in one.names} >= PROMISED
    assert {*LIMITS, "new_repo_changed_extra", "status_cost"} == PROMISED


def test_some_can_be_chosen() -> None:
    (one,) = chosen(["chatty_uploads", "task_rss"])
    assert "chatty_over_bare" in one.names
    assert chosen(None) == list(MEASUREMENTS)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(AdjutantError, match="warm_hallo"):
        chosen(["warm_hallo"])
