"""Mails as Python's own parser reads them, whatever names and texts are in them."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from koji_adjutant.handlers.notify.mail import LONGEST_TEXT, Mail, encode, quoted

MOMENT = 1700000000.0
HOSTILE = [
    "a\r\nBcc: all@example.org\r\n\r\nbody",
    "a\nX-Koji-Status: complete",
    "=?utf-8?q?a=0aBcc:_all=40example.org?=",
    "\x00\x1b[31mred\x7f",
    "\u202ereversed\u2028line",
    "\udcff half a character",
]


def encoded(**changes: Any) -> bytes:
    content: dict[str, Any] = {
        "sender": "Koji Build System <buildsys@example.org>",
        "subject": "Package: hello-1.0-1 Tag: dist Status: complete Built by: anna",
        "recipients": ["anna@example.org", "bert@example.org"],
        "headers": [("X-Koji-Tag", "dist"), ("X-Koji-Package", "hello")],
        "text": "first\nlast\n",
        "message_id": "<koji-task-7@hub.example.org>",
    }
    return encode(Mail(**{**content, **changes}), moment=MOMENT)


def parsed(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_plain_mail_is_plain() -> None:
    """Filters that read bytes find the headers as kojid writes them, each on one line."""
    assert encoded() == (
        b"From: Koji Build System <buildsys@example.org>\r\n"
        b"Subject: Package: hello-1.0-1 Tag: dist Status: complete Built by: anna\r\n"
        b"To: anna@example.org,\r\n bert@example.org\r\n"
        b"X-Koji-Tag: dist\r\n"
        b"X-Koji-Package: hello\r\n"
        b"Date: Tue, 14 Nov 2023 22:13:20 -0000\r\n"
        b"Message-ID: <koji-task-7@hub.example.org>\r\n"
        b"MIME-Version: 1.0\r\n"
        b'Content-Type: text/plain; charset="utf-8"\r\n'
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"first\r\nlast\r\n"
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_makes_or_ends_a_header(text: str) -> None:
    data = encoded(subject=text, headers=[("X-Koji-User", text)])
    message = parsed(data)
    plain = parsed(encoded(subject="a", headers=[("X-Koji-User", "a")]))
    assert message.keys() == plain.keys()
    assert message.get_content() == plain.get_content()
    assert message["Subject"].isprintable()
    assert message["X-Koji-User"] == message["Subject"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_ends_the_mail_or_acts_on_a_terminal(text: str) -> None:
    lines = parsed(encoded(text=f"{text}\n.\nFrom the end\n")).get_content().splitlines()
    assert lines[-2:] == [".", "From the end"]
    assert all(line.isprintable() for line in lines)


def test_text_and_names_of_all_languages() -> None:
    message = parsed(
        encoded(
            sender="Köji <buildsys@example.org>", subject="für Zoë 雪", text="Grüße\n\tan 雪\n" + "ä" * 3000
        )
    )
    assert (message["From"], message["Subject"]) == ("Köji <buildsys@example.org>", "für Zoë 雪")
    assert message.get_content().splitlines() == ["Grüße", "\tan 雪", "ä" * 3000]


def test_no_line_is_longer_than_servers_take() -> None:
    data = encoded(
        subject="s" * 100_000,
        headers=[("X-Koji-NVR", "n" * 5000)],
        recipients=[f"user{number}@example.org" for number in range(500)],
        text="t" * 100_000,
    )
    assert max(map(len, data.split(b"\r\n"))) <= 998
    message = parsed(data)
    assert message.get_content().strip() == "t" * 100_000
    assert message["X-Koji-NVR"] == "n" * 800 + "..."
    assert len(message["To"].addresses) == 500


def test_no_password_of_a_url_is_told() -> None:
    url = "git+https://anna:s3cret@scm.example.org/p.git#main"
    data = encoded(subject=url, text=f"from {url}\n{quoted(url)}")
    assert b"s3cret" not in data
    assert data.count(b"git+https://anna:***@scm.example.org/p.git#main") == 3


def test_what_a_task_has_said_is_indented_and_bounded() -> None:
    assert quoted("one\r\ntwo\rthree\n") == "  one\n  two\n  three\n"
    told = quoted("x" * (LONGEST_TEXT + 5))
    assert told.splitlines() == ["  " + "x" * LONGEST_TEXT, "  ... and 5 characters more"]
