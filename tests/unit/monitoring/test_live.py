import asyncio
import shutil
from pathlib import Path

import pytest

from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import HostEvent
from koji_adjutant.journal.state import JOURNAL
from koji_adjutant.monitoring.live import AT_MOST_EVERY, Live
from koji_adjutant.monitoring.registry import Registry


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_is_looked_at_so_often_and_no_more(registry: Registry, journal: FileJournal) -> None:
    async def look() -> list[int]:
        clock = Time()
        live = Live(registry, clock)
        keeping = asyncio.create_task(live.keep())
        found = []
        for step in (0.0, 0.0, AT_MOST_EVERY):
            await live.fresh()
            clock.now += step
            journal.record(HostEvent.READY)
            found.append((await live.fresh()).last_event)
        live.end()
        keeping.cancel()
        return found

    assert asyncio.run(look()) == [0, 0, 3]


def test_a_journal_that_cannot_be_read_is_said_once(
    state_dir: Path, registry: Registry, journal: FileJournal, caplog: pytest.LogCaptureFixture
) -> None:
    async def look() -> list[str]:
        clock = Time()
        live = Live(registry, clock)
        keeping = asyncio.create_task(live.keep())
        journal.record(HostEvent.READY)
        await live.fresh()
        problems = []
        # Something that is no directory stands where the state directory was.
        shutil.move(state_dir, state_dir.with_name("away"))
        state_dir.write_text("")
        for _ in range(3):
            clock.now += 1
            assert (await live.fresh()).last_event == 1
            problems.append(live.problem)
        state_dir.unlink()
        shutil.move(state_dir.with_name("away"), state_dir)
        clock.now += 1
        await live.fresh()
        problems.append(live.problem)
        keeping.cancel()
        return problems

    problems = asyncio.run(look())
    assert problems[:3] == [f"{state_dir / JOURNAL}: Not a directory"] * 3
    assert problems[3] == ""
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
