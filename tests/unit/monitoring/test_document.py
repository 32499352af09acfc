"""docs/monitoring.md is what is made of the tables, and it is short."""

from pathlib import Path

import pytest

from koji_adjutant.cli.commands import main
from koji_adjutant.monitoring.document import ALERTS, alerts, page

ROOT = Path(__file__).resolve().parents[3]
MOST_LINES = 110


def test_the_page_is_the_committed_one() -> None:
    assert (ROOT / "docs" / "monitoring.md").read_text() == page(), "koji-adjutant config monitoring"


def test_it_is_short_and_has_all_alerts() -> None:
    assert page().count("\n") <= MOST_LINES
    assert [f"`{alert.name}`" in page() for alert in alerts()] == [True] * ALERTS.read_text().count(
        "- alert:"
    )
    assert all(alert.text and alert.severity in {"warning", "critical"} for alert in alerts())


def test_the_command_line_prints_page_and_alerts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "monitoring"]) == 0
    assert capsys.readouterr().out == page()
    assert main(["config", "alerts"]) == 0
    assert capsys.readouterr().out == ALERTS.read_text()
