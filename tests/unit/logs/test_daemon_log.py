"""What builds, repos and the hub say in kojid.log, on standard error and in mail: quoted, never obeyed."""

import copy
import io
import logging
import re
import smtplib
import sys
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import koji
import pytest

import koji_adjutant
from koji_adjutant.config import load_config
from koji_adjutant.logs import daemon_log
from tests.unit.hostile_names import HOSTILE_PARTS, HOSTILE_PATHS, ODD_NAMES

ROOMS = {path.parent.name for path in Path(koji_adjutant.__file__).parent.glob("*/__init__.py")}
LOGGER = "koji.adjutant.tests"
FORGED = "x\n2026-01-01 00:00:00,000 [ERROR] koji.adjutant: the hub is gone"
TEXTS = {
    **HOSTILE_PATHS,
    **HOSTILE_PARTS,
    **ODD_NAMES,
    "forged line": FORGED,
    "carriage return": FORGED.replace("\n", "\r"),
    "colours": "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "bidi": "a\u202etxt.exe\u2066\u200f",
    "backspaces": "evil\b\b\b\bgood",
    "form feed": "a\x0cb\x0bc\x85d\u2029e",
}
Read = Callable[[], str]


@pytest.fixture(autouse=True)
def _loggers_as_they_were() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in (daemon_log.TREE, *daemon_log.OF_TASKS)]
    levels = [logger.level for logger in loggers]
    tree = loggers[0]
    kept = list(tree.handlers)
    yield
    for handler in list(tree.handlers):
        if handler not in kept:
            tree.removeHandler(handler)
            handler.close()
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture(params=["file", "stderr", "mail"])
def read(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """All that was logged since the fixture was made."""
    if request.param == "file":
        path = tmp_path / "kojid.log"
        daemon_log.log_to_file(path)
        return lambda: path.read_bytes().decode()
    if request.param == "stderr":
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        daemon_log.log_to_stderr()
        return stream.getvalue
    sent: list[EmailMessage] = []

    class Mailer:
        """A mail server that keeps what it gets."""

        def __init__(self, *_args: object, **_more: object) -> None: ...

        def send_message(self, message: EmailMessage) -> None:
            sent.append(message)

        def quit(self) -> None: ...

    monkeypatch.setattr(smtplib, "SMTP", Mailer)
    daemon_log.log_by_mail("admin@example.com")
    return lambda: "".join(message.get_content() for message in sent)


def lines(text: str) -> list[str]:
    return text.rstrip("\n").split("\n")


@pytest.mark.parametrize("text", [pytest.param(text, id=kind) for kind, text in TEXTS.items()])
def test_a_message_is_one_printable_line(read: Read, text: str) -> None:
    logging.getLogger(LOGGER).error("the build says %s", text)
    (line,) = lines(read())
    assert line.isprintable()
    assert "the build says" in line


@pytest.mark.parametrize("text", [pytest.param(text, id=kind) for kind, text in TEXTS.items()])
def test_a_traceback_has_its_own_lines_and_no_others_at_the_margin(read: Read, text: str) -> None:
    try:
        raise koji.GenericError(text)
    except koji.GenericError:
        logging.getLogger(LOGGER).exception("a task failed", stack_info=True)
    first, *below = lines(read())
    assert "a task failed" in first
    assert all(line.isprintable() and line.startswith("  ") for line in below)
    assert "  Traceback (most recent call last):" in below
    assert "  Stack (most recent call last):" in below
    assert any(re.match(r"    File .* in test_a_traceback", line) for line in below)


def test_a_password_of_a_url_is_not_told(read: Read) -> None:
    """A task's result has its URL as it was given, and is logged; so may be whatever an error quotes."""
    url = "git+https://me:hunter2@h:8080/a?b#c"
    try:
        raise ValueError(f"no answer from {url}")
    except ValueError:
        logging.getLogger(LOGGER).exception("response %r", {"url": url})
    text = read()
    assert "hunter2" not in text
    assert text.count("git+https://me:***@h:8080/a?b#c") == 2


def test_names_of_loggers_and_threads_are_no_way_in(read: Read) -> None:
    logging.getLogger(f"{LOGGER}.evil\n\x1b[2J").error("x")
    assert len(lines(read())) == 1


def test_what_another_handler_has_made_of_a_traceback_is_not_used(read: Read) -> None:
    other = logging.StreamHandler(io.StringIO())
    logger = logging.getLogger(daemon_log.TREE)
    logger.handlers.insert(0, other)
    try:
        raise ValueError(FORGED)
    except ValueError:
        logging.getLogger(LOGGER).exception("failed")
    finally:
        logger.removeHandler(other)
    first, *below = lines(read())
    assert "failed" in first
    assert all(line.startswith("  ") for line in below)


def test_a_library_that_nobody_listens_to_is_quoted_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging, "lastResort", copy.copy(logging.lastResort))
    daemon_log.log_to_stderr()
    library = logging.getLogger("urllib3.tests")
    library.propagate = False
    library.warning("Failed to parse headers: %s", "x\x1b[31m" + FORGED)
    said = capsys.readouterr().err
    assert said.startswith("Failed to parse headers: x\\x1b[31mx\\n2026")
    assert said.count("\n") == 1


def test_usual_text_is_as_it_was(read: Read) -> None:
    logging.getLogger(LOGGER).error("task %d: größe 漢字 %r", 5, {"a": Path("/x")})
    (line,) = lines(read())
    assert (
        line.endswith(": task 5: größe 漢字 {'a': PosixPath('/x')}")
        or "[ERROR] task 5: größe 漢字 {'a'" in line
    )


def test_every_handler_has_the_formatter(tmp_path: Path) -> None:
    daemon_log.log_to_file(tmp_path / "kojid.log")
    daemon_log.log_to_stderr()
    daemon_log.log_by_mail("admin@example.com")
    handlers: list[Any] = [
        handler
        for handler in logging.getLogger(daemon_log.TREE).handlers
        if type(handler).__module__ != "_pytest.logging"
    ]
    assert len(handlers) >= 3
    assert all(isinstance(handler.formatter, daemon_log.PlainFormatter) for handler in handlers)


def talkative(file: Path, flag: str = "") -> set[str]:
    """The rooms whose debug messages a daemon with this flag writes."""
    file.write_text("[kojid]\nserver = http://h\ntopurl = http://f\n")
    overrides = {flag: True} if flag else {}
    daemon_log.set_level(load_config(file, overrides=overrides, environment={}), verbose=False)
    return {
        room
        for room in ROOMS
        if logging.getLogger(f"koji.adjutant.{room}.anything").isEnabledFor(logging.DEBUG)
    }


def test_debug_messages_of_tasks_are_those_of_the_rooms_in_which_tasks_run(tmp_path: Path) -> None:
    file = tmp_path / "kojid.conf"
    assert talkative(file) == set()
    assert talkative(file, "debug_task") == {"handlers", "task_adapters", "buildroot", "guards", "logs"}


def test_debug_is_for_all_rooms(tmp_path: Path) -> None:
    assert talkative(tmp_path / "kojid.conf", "debug") == ROOMS
