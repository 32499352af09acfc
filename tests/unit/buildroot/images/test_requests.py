"""Requests for buildroot images: what a task leaves, in which order they are taken, and what is not asked for again."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.keys import discard, packages_digest
from koji_adjutant.buildroot.images.requests import (
    REFUSED_SECONDS,
    ImageRequest,
    ask_for_image,
    pending_requests,
    refuse,
    requests_directory,
)
from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.reader import read_journal
from tests.unit.buildroot.image_bench import (
    BASE,
    BASE_KEY,
    INSTALLED,
    MORE,
    SETTINGS,
    TASK_IMAGE,
    ImageBench,
    solution,
)


@pytest.fixture
def bench(tmp_path: Path) -> ImageBench:
    return ImageBench(tmp_path)


def test_requests_are_saved_whole_and_oldest_first(bench: ImageBench) -> None:
    first, second = bench.ask(bench.base()), bench.ask(bench.more())
    os.utime(second, (1.0, 1.0))
    assert list(pending_requests(bench.config)) == [second, first]
    assert [ImageRequest.load(path) for path in (first, second)] == [bench.base(), bench.more()]


def test_a_request_that_another_worker_takes_meanwhile_is_left_out(bench: ImageBench) -> None:
    request = bench.ask(bench.base())
    # A listing has the name, and the file is gone when it is looked at.
    (requests_directory(bench.config) / "taken.json").symlink_to("gone")
    assert list(pending_requests(bench.config)) == [request]


def test_what_is_asked_for_again_stays_before_what_is_made_on_top_of_it(bench: ImageBench) -> None:
    base, more = bench.ask(bench.base()), bench.ask(bench.more())
    for seconds, path in enumerate((base, more)):
        os.utime(path, (seconds, seconds))
    bench.ask(bench.base())
    assert list(pending_requests(bench.config)) == [base, more]


def test_requests_say_what_a_task_had(bench: ImageBench) -> None:
    base = ImageRequest.of_base("k", replace(SETTINGS, forcearch="s390x"), TASK_IMAGE, solution(BASE))
    assert (base.contents, base.forced) == (packages_digest([BASE]), True)
    more = base.with_requires("m", solution(MORE, remove=("x",)), [INSTALLED])
    assert (more.kind, more.key, more.base_key, more.removed) == ("requires", "m", "k", frozenset({"x"}))
    assert more.packages == (bench.package(MORE),)


def test_what_is_no_request_is_thrown_away(bench: ImageBench) -> None:
    path = bench.ask(bench.base())
    path.write_text('{"key": "of another version"}')
    assert bench.maker().make(path)
    assert not path.exists()
    assert bench.maker().make(path)


def test_what_the_engine_refused_is_asked_for_again_sooner(bench: ImageBench) -> None:
    refuse(bench.config, BASE_KEY, "busy", 600)
    (marker,) = requests_directory(bench.config).glob("*.refused")
    assert not bench.ask(bench.base()).exists()
    old = marker.stat().st_mtime - 601
    os.utime(marker, (old, old))
    assert bench.ask(bench.base()).exists()


def test_a_refusal_that_is_to_come_is_none(bench: ImageBench) -> None:
    """The clock was years ahead, and has been set right."""
    refuse(bench.config, BASE_KEY, "it has a socket")
    (marker,) = requests_directory(bench.config).glob("*.refused")
    ahead = time.time() + 365 * 86400
    os.utime(marker, (ahead, ahead))
    assert bench.ask(bench.base()).exists()


def test_what_was_refused_is_not_asked_for_again_for_a_day(bench: ImageBench) -> None:
    refuse(bench.config, BASE_KEY, "it has a socket")
    assert not bench.ask(bench.base()).exists()
    (marker,) = requests_directory(bench.config).glob("*.refused")
    assert marker.read_text() == "it has a socket\n"
    old = time.time() - REFUSED_SECONDS - 1
    os.utime(marker, (old, old))
    assert bench.ask(bench.base()).exists()
    assert not marker.exists()


def test_a_request_is_an_event_once(bench: ImageBench, tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "journal")
    for _ in range(2):
        ask_for_image(bench.base(), bench.config, journal, 7)
    discard(bench.manager, bench.config, BASE_KEY, "its rpmdb is another", journal)
    asked, removed = read_journal(tmp_path / "journal")
    assert (asked.name, asked.task, asked.details["key"]) == ("image-requested", 7, BASE_KEY)
    assert (removed.name, removed.details["reason"]) == ("image-removed", "its rpmdb is another")
