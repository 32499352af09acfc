"""The counters of a host, over restarts of everything: a file says what was counted, and up to where in the journal.

Values and places are in one file, which is replaced as a whole. So whenever the server dies, and however far it had
come since it wrote last, it begins again at a place whose values it has: no event counts twice, and a counter that was
shown is caught up with before it is shown again. Only what the journal has thrown away meanwhile, after nine files, is
never counted. A file that is damaged, or of a version to come, is said and left: counters begin anew then, with all
that the journal has.

Nothing is counted before the daemon has said which methods it serves. Of one thread.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from koji_adjutant.host.files import remove_partial, replace_json
from koji_adjutant.journal.file import Event
from koji_adjutant.journal.public import (
    HOST,
    HostFacts,
    TaskFacts,
    public_directory,
    read_facts,
    task_facts_file,
)
from koji_adjutant.journal.reader import JournalReader, Place
from koji_adjutant.journal.state import JOURNAL
from koji_adjutant.monitoring.counting import Counting
from koji_adjutant.monitoring.public_files import Watched
from koji_adjutant.monitoring.tally import Tally

VERSION = 1
FILE = "counters.json"
SAVE_SECONDS = 30.0
AT_A_TIME = 20_000
"""Lines of a journal that are counted before anybody is answered."""
COMPLAIN_SECONDS = 300.0

logger = logging.getLogger("koji.adjutant.monitoring")


class Counters:
    """Counts what the journal says; to be closed."""

    def __init__(
        self,
        state_dir: Path,
        own_dir: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        save_seconds: float = SAVE_SECONDS,
    ) -> None:
        """`own_dir` is the server's; `save_seconds`: how often its file is written, at most."""
        self._state_dir = state_dir
        self._file = own_dir / FILE
        self._clock = clock
        self._save_seconds = save_seconds
        self._save_at = clock()
        self._complain_at = clock()
        self._has_news = False
        self._is_complete = False
        self._unread: Iterator[Event] | None = None
        self._host = Watched(public_directory(state_dir) / HOST, partial(read_facts, HostFacts))
        with suppress(OSError):
            remove_partial(own_dir)
        self._counting = Counting(self._created)
        self._reader = JournalReader(state_dir / JOURNAL, places=self._restored())

    @property
    def tally(self) -> Tally:
        """The values, as `refresh` has left them."""
        return self._counting.tally

    def lag(self) -> float:
        """Seconds by which a log has lagged behind lately."""
        return self._counting.lag(time.time())

    def method(self, name: str) -> str:
        """What a task of this method is counted as."""
        return self._counting.methods.label(name)

    def refresh(self, most: int = AT_A_TIME) -> bool:
        """Count what has happened since the last time; False when there is more than `most` lines.

        A journal that cannot be read is a warning now and then.
        """
        self._learn()
        if not self._counting.methods:
            return True
        unread = self._unread or self._reader.new_events()
        self._unread = None
        try:
            self._is_complete = self._count(unread, most)
            self._unread = None if self._is_complete else unread
        except OSError as error:
            self._complain("the journal cannot be read, nothing new is counted: %s", error)
        if self._clock() >= self._save_at:
            self.save()
        return self._is_complete

    @property
    def is_complete(self) -> bool:
        """Whether all is counted that the journal has said; until then counters are behind what was shown once."""
        return self._is_complete

    def _count(self, unread: Iterator[Event], most: int) -> bool:
        for event in islice(unread, most):
            self._has_news = True
            self._counting.take(event)
            most -= 1
        return most > 0

    def _learn(self) -> None:
        host = self._host.get()
        if host is not None:
            self._counting.methods.learn(host.methods)

    def save(self) -> None:
        """Write the file, if there is anything new. One that cannot be written is a warning now and then."""
        self._save_at = self._clock() + self._save_seconds
        if not self._has_news:
            return
        try:
            replace_json(self._file, self._kept())
            self._has_news = False
        except OSError as error:
            self._complain(
                "counters are not kept, and begin anew with what the journal still has if this ends: %s",
                error,
            )

    def close(self) -> None:
        """Keep what there is, and let go of the journal."""
        self.save()
        self._reader.close()

    def _kept(self) -> dict[str, Any]:
        places = [[place.offset, place.head, place.mark] for place in self._reader.places]
        return {"version": VERSION, "places": places, **self._counting.to_json()}

    def _restored(self) -> tuple[Place, ...]:
        try:
            data = json.loads(self._file.read_text())
            if data["version"] != VERSION:
                raise ValueError(f"version {data['version']}")
            places = tuple(
                Place(offset=int(offset), head=str(head), mark=str(mark))
                for offset, head, mark in data["places"]
            )
            self._counting.take_json(data)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            logger.warning(
                "%s cannot be used (%s: %s): counters begin anew with what the journal still has",
                self._file,
                type(error).__name__,
                error,
            )
            self._counting = Counting(self._created)
            return ()
        return places

    def _created(self, task: int) -> float | None:
        facts = read_facts(TaskFacts, task_facts_file(self._state_dir, task))
        return facts.created if facts else None

    def _complain(self, text: str, error: OSError) -> None:
        now = self._clock()
        if now >= self._complain_at:
            self._complain_at = now + COMPLAIN_SECONDS
            logger.warning(text, error)
