import hashlib
from pathlib import Path

import pytest

from koji_adjutant.errors import ConfigError
from koji_adjutant.host.token_file import digest_of_token

TOKEN = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_bytes(TOKEN + b"\n")
    path.chmod(0o600)
    return path


def test_a_token_is_known_by_its_digest(file: Path) -> None:
    assert digest_of_token(file, "option") == hashlib.sha256(TOKEN).hexdigest()


@pytest.mark.parametrize("content", [b"", b"short", TOKEN + b" " + TOKEN, b"\xff" * 40, b"x" * 5000])
def test_what_is_no_secret_is_refused_without_being_shown(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="option: expected one line") as refused:
        digest_of_token(file, "option")
    assert TOKEN.decode() not in str(refused.value)


def test_what_others_may_read_is_no_secret(file: Path) -> None:
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read it"):
        digest_of_token(file, "option")


def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        digest_of_token(tmp_path / "none", "option")
