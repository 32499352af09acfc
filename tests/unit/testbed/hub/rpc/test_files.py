"""Files of the topdir over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xmlrpc.client import dumps

import pytest

from tests.unit.testbed.hub.served import fetch, request

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.testbed.hub.served import Served


@pytest.fixture
def shelf(served: Served) -> Path:
    """A directory below the topdir with a file of ten bytes."""
    directory = served.hub.topdir / "repos" / "x"
    directory.mkdir()
    (directory / "ten.xml").write_bytes(b"0123456789")
    return directory


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        ("bytes=2-4", (206, b"234", "bytes 2-4/10")),
        ("bytes=7-", (206, b"789", "bytes 7-9/10")),
        ("bytes=-3", (206, b"789", "bytes 7-9/10")),
        ("bytes=8-99", (206, b"89", "bytes 8-9/10")),
        ("bytes=10-", (416, b"", "bytes */10")),
        ("bytes=0-1,4-5", (200, b"0123456789", None)),
    ],
)
def test_ranges(served: Served, shelf: Path, wanted: str, answer: tuple[int, bytes, str | None]) -> None:
    status, headers, body = fetch(served, "/kojifiles/repos/x/ten.xml", Range=wanted)
    assert (status, body, headers.get("Content-Range")) == answer


def test_head_double_slashes_and_quoting(served: Served, shelf: Path) -> None:
    (shelf / "a b%").write_bytes(b"!")
    status, headers, body = fetch(served, "/kojifiles//repos//x/ten.xml", method="HEAD")
    assert (status, headers["Content-Length"], headers["Content-Type"], body) == (200, "10", "text/xml", b"")
    assert fetch(served, "/kojifiles/repos/x/a%20b%25")[2] == b"!"
    assert fetch(served, "/kojifiles/repos/x/")[2] == b"a b%\nten.xml\n"


def test_links_are_followed_and_nothing_above_the_topdir_is_seen(served: Served, shelf: Path) -> None:
    (shelf / "link").symlink_to(shelf / "ten.xml")
    (shelf / "broken").symlink_to("nowhere")
    (served.hub.directory / "secret").write_text("secret")
    assert fetch(served, "/kojifiles/repos/x/link")[2] == b"0123456789"
    assert fetch(served, "/kojifiles/repos/x/broken")[0] == 404
    for path in ("/kojifiles/../secret", "/kojifiles/repos/%2e%2e/%2e%2e/secret", "/kojifiles/%2e%2e/secret"):
        assert fetch(served, path)[0] == 403
    assert fetch(served, "/kojifilesecret")[0] == 404


def test_files_on_another_address_come_without_the_hub(served: Served, shelf: Path) -> None:
    url = served.hub.serve_files("127.0.0.2")
    assert url.startswith("http://127.0.0.2:")
    assert request(url, "GET", urlsplit(url).path + "/repos/x/ten.xml")[2] == b"0123456789"
    assert request(url, "POST", "/kojihub", dumps((), "hello").encode())[0] == 404
