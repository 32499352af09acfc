"""A mail: headers and text of what others say, as bytes that a mail server takes.

Names and error texts come from requests, packages and builders. None of them makes a header, ends one or ends the
mail; what is not printable is shown as an escape, and a password in a URL is not shown. Text that is not ASCII is
encoded as mail readers decode it. Pure; a mail has no lifetime.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.utils import formataddr, formatdate, parseaddr

from koji_adjutant import names

END = "\r\n"
LONGEST_HEADER = 800
"""Characters of a header's value: with its name, one line, which filters read whole."""
LONGEST_TEXT = 20_000
"""Characters that are quoted of what a task has said."""
LONGEST_LINE = 998
"""Bytes of a line, which mail servers have to take."""
_LINES = re.compile(r"\r\n|\r|\n")
_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP


@dataclass(frozen=True, kw_only=True)
class Mail:
    """What is sent, and to whom."""

    sender: str
    """As option from_addr has it: an address, or a name with one."""
    subject: str
    recipients: Sequence[str]
    headers: Sequence[tuple[str, str]] = field(default=())
    """The X-Koji ones, in their order; readers filter on them."""
    text: str
    """Lines that end with a newline."""
    message_id: str
    """The same each time that a task sends it."""


def encode(mail: Mail, *, moment: float) -> bytes:
    """The mail as it is sent at a moment."""
    body, encoding = _body(mail.text)
    headers = [
        f"From: {_address(mail.sender)}",
        _header("Subject", mail.subject),
        f"To: {_recipients(mail.recipients)}",
        *(_header(name, value) for name, value in mail.headers),
        f"Date: {formatdate(moment)}",
        _header("Message-ID", mail.message_id),
        "MIME-Version: 1.0",
        'Content-Type: text/plain; charset="utf-8"',
        f"Content-Transfer-Encoding: {encoding}",
    ]
    return END.join([*headers, "", body]).encode("ascii")


def quoted(text: object, indent: str = "  ") -> str:
    """What a task has said, in lines of a mail: each is indented, so that it is taken for nothing else."""
    whole = str(text).strip()
    rest = len(whole) - LONGEST_TEXT
    kept = whole if rest <= 0 else f"{whole[:LONGEST_TEXT]}\n... and {rest} characters more"
    return "".join(f"{indent}{line}\n" for line in _LINES.split(kept))


def lines(rows: Iterable[str]) -> str:
    """One line a row, whatever is in it."""
    return "".join(f"{names.one_line(row)}\n" for row in rows)


def _header(name: str, value: str) -> str:
    text = names.one_line(names.without_passwords(value)).strip()
    if len(text) > LONGEST_HEADER:
        text = f"{text[:LONGEST_HEADER]}..."
    # Text that looks like an encoded word would be decoded.
    plain = text.isascii() and "=?" not in text
    return f"{name}: {text if plain else Header(text, 'utf-8', header_name=name).encode(linesep=END)}"


def _address(text: str) -> str:
    line = names.one_line(text)
    if line.isascii():
        return line
    return formataddr(parseaddr(line))


def _recipients(recipients: Sequence[str]) -> str:
    # On several lines: there may be more of them than one takes.
    return f",{END} ".join(_address(each) for each in recipients)


def _body(text: str) -> tuple[str, str]:
    """The text in lines, and how it is encoded."""
    shown = [_shown(line) for line in _LINES.split(names.without_passwords(text))]
    if all(line.isascii() and len(line) <= LONGEST_LINE for line in shown):
        return END.join(shown), "7bit"
    coded = Message()
    coded.set_payload("\n".join(shown), _UTF8)
    return END.join(str(coded.get_payload()).split("\n")), "quoted-printable"


def _shown(line: str) -> str:
    return "\t".join(names.one_line(part) for part in line.split("\t"))
