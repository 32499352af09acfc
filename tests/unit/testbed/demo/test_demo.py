"""The demo, as far as it is no build."""

import sys

import pytest

from koji_adjutant.journal.state import write_readiness
from koji_adjutant.testbed.demo import demo
from koji_adjutant.testbed.layout import Layout
from koji_adjutant.testbed.waiting import IdleBuilderCheck, NoTasksTaken
from tests.unit.testbed.idle_builder import REASON, Session, not_ready


def test_a_client_that_waits_is_ended(layout: Layout) -> None:
    write_readiness(layout.state_dir, not_ready(REASON))
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    with pytest.raises(NoTasksTaken):
        demo._run(sleep, IdleBuilderCheck(Session(), layout, seconds=0.1))
    assert demo._run([sys.executable, "-c", "raise SystemExit(3)"], lambda: None) == 3
