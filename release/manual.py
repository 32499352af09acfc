"""The manual pages: one of each program, from its parser, and one of kojid.conf, from the table of options.

They have no date of their own: SOURCE_DATE_EPOCH sets it, and without that it is today's. Pure but for that.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from argparse_manpage.manpage import Manpage

from koji_adjutant import __version__
from koji_adjutant.cli import arguments, commands, documents
from koji_adjutant.config.option import Place
from koji_adjutant.config.options import Row, table
from koji_adjutant.testbed import cli as testbed

MANUAL = "koji-adjutant"
SOURCE = f"koji-adjutant {__version__}"
_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a parser does not say."""

    name: str
    section: int
    what: str
    files: Sequence[tuple[str, str]] = ()
    see: Sequence[tuple[str, int]] = ()


CONFIGURATION = ("/etc/kojid/kojid.conf", "the daemon's configuration")
KOJID = Page(
    name="kojid",
    section=8,
    what="Koji's builder daemon, with podman containers",
    files=[
        CONFIGURATION,
        ("/var/lib/koji-adjutant", "state of the daemon; public and journal in it may be read by a group"),
        ("/var/log/kojid.log", "its log"),
    ],
    see=[("koji-adjutant", 1), ("kojid.conf", 5), ("podman-system-service", 1)],
)
ADJUTANT = Page(
    name="koji-adjutant",
    section=1,
    what="look at a build host, and look after it",
    files=[CONFIGURATION],
    see=[("kojid", 8), ("kojid.conf", 5)],
)
TESTBED = Page(
    name="koji-adjutant-testbed", section=1, what="a Koji on one machine", see=[("koji-adjutant", 1)]
)


def pages() -> dict[str, str]:
    """Text of each page by the name of its file."""
    return {
        "kojid.8": program_page(arguments.parser(), KOJID),
        "koji-adjutant.1": program_page(commands.parser(), ADJUTANT),
        "koji-adjutant-testbed.1": program_page(testbed.parser(), TESTBED),
        "kojid.conf.5": configuration_page(),
    }


def program_page(parser: argparse.ArgumentParser, page: Page) -> str:
    """The page of a program."""
    made = Manpage(parser)
    made.prog, made.section, made.description = page.name, page.section, page.what
    made.source, made.manual = SOURCE, MANUAL
    return "\n".join([str(made).rstrip("\n"), *_exit_statuses(parser), *_files(page), *_see_also(page), ""])


def _exit_statuses(parser: argparse.ArgumentParser) -> Iterator[str]:
    """What the epilogs of subcommands say, which the page of the parser leaves out."""
    found = [(one.prog, one.epilog) for one in _subparsers(parser) if one.epilog]
    if found:
        yield ".SH EXIT STATUS"
    for prog, epilog in found:
        yield from (".TP", rf"\fB{roff(prog)}\fR", roff(epilog.strip().replace("\n", " ")))


def _subparsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:  # noqa: SLF001  # argparse has no other way to ask
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for one in action.choices.values():
                yield one
                yield from _subparsers(one)


def _files(page: Page) -> Iterator[str]:
    if page.files:
        yield ".SH FILES"
    for path, what in page.files:
        yield from (".TP", rf"\fI{roff(path)}\fR", roff(what))


def _see_also(page: Page) -> Iterator[str]:
    yield ".SH SEE ALSO"
    yield ", ".join(rf"\fB{roff(name)}\fR({section})" for name, section in page.see)


def configuration_page() -> str:
    """kojid.conf(5)."""
    lines = [
        f'.TH KOJID.CONF "5" "" "{SOURCE}" "{MANUAL}"',
        ".SH NAME",
        r"kojid.conf \- configuration of kojid with podman containers",
        ".SH DESCRIPTION",
        *_paragraphs(documents.REFERENCE_TEXT),
        ".SH OPTIONS OF [kojid]",
        *(line for row in _rows(Place.KOJID) for line in _option(row)),
        ".SH OPTIONS OF [adjutant]",
        *_paragraphs(documents.ADJUTANT_TEXT),
        *(line for row in _rows(Place.ADJUTANT) for line in _option(row)),
        ".SH SEE ALSO",
        r"\fBkojid\fR(8), \fBkoji\-adjutant\fR(1)",
        "",
    ]
    return "\n".join(lines)


def _rows(place: Place) -> Iterator[Row]:
    return (row for row in table() if row.option.place is place and row.option.has_effect)


def _option(row: Row) -> Iterator[str]:
    default = "required" if row.option.required else documents.default_text(row)
    yield ".TP"
    yield rf"\fB{roff(row.key)}\fR" + (f" ({roff(default)})" if default else "")
    yield roff(row.option.doc)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        yield from (".PP", roff(paragraph.replace("\n", " ")))


def roff(text: str) -> str:
    """A line of text with the markup of our documents, as a line that roff takes for text."""
    plain = _LINK.sub(r"\1", text).replace("\\", r"\e").replace("-", r"\-")
    marked = _CODE.sub(r"\\fB\1\\fR", plain)
    return rf"\&{marked}" if marked[:1] in {".", "'"} else marked
