"""The alerts, judged by promtool: they are rules, each fires when it should, and stays silent when it should."""

import re
import shutil
from pathlib import Path

import pytest

from koji_adjutant.monitoring.document import ALERTS, alerts
from koji_adjutant.monitoring.families import BY_NAME, PREFIX
from tests.promtool import promtool

ROOT = Path(__file__).resolve().parents[3]
TESTS = sorted((Path(__file__).parent / "alerts").glob("*.yaml"))
EXPRESSION = re.compile(r"^        expr: .*(\n {10}.*)*", re.MULTILINE)


def judged(test: Path, rules: str, directory: Path) -> str:
    (directory / ALERTS.name).write_text(rules)
    shutil.copy(test, directory)
    return promtool("test", "rules", directory / test.name)


def test_they_are_rules() -> None:
    said = promtool("check", "rules", ALERTS)
    assert f"{len(list(alerts()))} rules found" in said


def test_each_has_a_test() -> None:
    words = {"_".join(re.findall(r"[A-Z][a-z]+", alert.name)[2:]).lower() for alert in alerts()}
    assert {path.stem for path in TESTS} == words


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_it_fires_when_it_should(test: Path, tmp_path: Path) -> None:
    judged(test, ALERTS.read_text(), tmp_path)


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("expression", ["vector(0) > 0", '{__name__=~"koji_.*"}'], ids=["never", "always"])
def test_its_test_would_see_another(test: Path, expression: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="FAILED"):
        judged(test, EXPRESSION.sub(f"        expr: '{expression}'", ALERTS.read_text()), tmp_path)


def test_they_ask_for_metrics_that_there_are() -> None:
    asked = {
        name
        for found in EXPRESSION.finditer(ALERTS.read_text())
        for name in re.findall(r"koji_\w+", found[0])
    }
    assert len(asked) >= 7
    assert asked <= {PREFIX + name for name in BY_NAME}


def test_their_runbooks_are_there() -> None:
    headings = re.findall(r"^#+ (.*)$", (ROOT / "docs" / "operating.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for alert in alerts():
        page, _, anchor = alert.runbook.partition("#")
        assert page == "docs/operating.md"
        assert anchor in anchors, f"{alert.name}: {anchor}"
