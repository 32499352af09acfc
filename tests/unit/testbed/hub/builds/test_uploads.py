"""The older way to upload: a chunk inside a call."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


def chunk(admin: Session, data: bytes, offset: int, size: int, digest: str, *, name: str = "f.rpm") -> bool:
    sent: bool = admin.uploadFile("cli-build/x", name, size, digest, offset, b64encode(data).decode())
    return sent


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_upload_inside_a_call(served: Served) -> None:
    admin = served.login("admin")
    assert chunk(admin, b"abc", 0, 3, md5(b"abc")) is True
    assert chunk(admin, b"def", 3, 3, md5(b"def")) is True
    assert chunk(admin, b"", -1, 6, md5(b"abcdef")) is True
    assert (served.hub.topdir / "work/cli-build/x/f.rpm").read_bytes() == b"abcdef"
    assert chunk(admin, b"abc", 6, 3, md5(b"xyz")) is False
    assert chunk(admin, b"abc", 6, 99, md5(b"abc")) is False
    assert chunk(admin, b"", -1, 6, md5(b"abcxyz")) is False
    with pytest.raises(koji.GenericError, match="file already exists"):
        chunk(admin, b"abc", 0, 3, md5(b"abc"))
    for _ in range(2):
        assert chunk(admin, b"abc", 0, 3, md5(b"abc"), name="f.log") is True
