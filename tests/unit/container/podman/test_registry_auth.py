"""Logins for registries, and that nobody reads them in an error."""

import base64
import json
from pathlib import Path

import pytest

from koji_adjutant.container.podman.registry_auth import HEADER, headers
from koji_adjutant.errors import ConfigError

SECRET = base64.b64encode(b"user:pa:ss").decode()


def test_every_login_of_the_file_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    path.write_text(json.dumps({"auths": {"r.example": {"auth": SECRET}, "none.example": {}}}))
    sent = json.loads(base64.urlsafe_b64decode(headers(str(path))[HEADER]))
    assert sent == {"r.example": {"username": "user", "password": "pa:ss"}}


def test_no_file_and_no_login_send_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("{}")
    assert headers("") == headers(str(tmp_path / "empty.json")) == {}


@pytest.mark.parametrize("text", ["", "[]", '{"auths": 3}', f'{{"auths": {{"r": {{"auth": "§{SECRET}"}}}}}}'])
def test_bad_file_is_named_and_its_content_is_not(tmp_path: Path, text: str) -> None:
    path = tmp_path / "auth.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=str(path)) as raised:
        headers(str(path))
    assert SECRET not in f"{raised.value} {raised.value.__cause__}"


def test_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="podman login"):
        headers(str(tmp_path / "none.json"))
