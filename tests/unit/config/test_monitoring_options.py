"""The token of the status server: who needs one, and what is one."""

import hashlib
from pathlib import Path

import pytest

from koji_adjutant.config import load_config
from koji_adjutant.config.monitoring_options import MonitoringOptions, token_digest
from koji_adjutant.errors import ConfigError
from koji_adjutant.host.bind import Bind

TOKEN = "t0" * 16
OPEN = Bind(host="0.0.0.0", port=80)


def with_token(path: Path, text: str = TOKEN, mode: int = 0o600) -> MonitoringOptions:
    path.write_text(text)
    path.chmod(mode)
    return MonitoringOptions(monitoring_enabled=True, monitoring_token_file=path, monitoring_bind=OPEN)


def test_what_is_local_needs_none() -> None:
    assert token_digest(MonitoringOptions(monitoring_enabled=True)) == ""
    assert token_digest(MonitoringOptions(monitoring_bind=OPEN)) == "", "nobody listens"
    with pytest.raises(ConfigError, match="other machines reach that; set monitoring_token_file"):
        token_digest(MonitoringOptions(monitoring_enabled=True, monitoring_bind=OPEN))


def test_a_token(tmp_path: Path) -> None:
    options = with_token(tmp_path / "token", f"{TOKEN}\n")
    assert token_digest(options) == hashlib.sha256(TOKEN.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        (TOKEN[1:], 0o600, "expected one line of 32"),
        ("", 0o600, "expected one line of 32"),
        (f"{TOKEN}\n{TOKEN}", 0o600, "expected one line of 32"),
        (f"{TOKEN} {TOKEN}", 0o600, "expected one line of 32"),
        ("ü" * 40, 0o600, "expected one line of 32"),
        ("t" * 4097, 0o600, "expected one line of 32"),
        (TOKEN, 0o640, "others may read it"),
        (TOKEN, 0o604, "chmod 0600"),
    ],
)
def test_what_is_none(tmp_path: Path, text: str, mode: int, words: str) -> None:
    options = with_token(tmp_path / "token", text, mode)
    with pytest.raises(ConfigError, match=words) as caught:
        token_digest(options)
    assert TOKEN[1:] not in str(caught.value)


def test_it_is_looked_at_when_the_daemon_starts(tmp_path: Path) -> None:
    file = tmp_path / "kojid.conf"
    file.write_text(
        "[kojid]\nserver = http://hub/kojihub\ntopurl = http://hub/files\n"
        f"[adjutant]\nmonitoring_enabled = yes\nmonitoring_token_file = {tmp_path / 'missing'}\n"
    )
    with pytest.raises(
        ConfigError, match=r"kojid.conf: option monitoring_token_file.*No such file"
    ) as caught:
        load_config(file, environment={})
    assert "openssl rand" in str(caught.value)
