import hashlib
from pathlib import Path

import pytest

from koji_adjutant.errors import ConfigError
from koji_adjutant.host.bind import Bind
from koji_adjutant.journal.public import MonitoringFacts, public_directory, write_facts
from koji_adjutant.monitoring.settings import Given, settings

TOKEN = "x" * 32
DIGEST = hashlib.sha256(TOKEN.encode()).hexdigest()


@pytest.fixture
def facts_file(state_dir: Path) -> Path:
    return public_directory(state_dir) / "monitoring.json"


def given(state_dir: Path, bind: str = "", token_file: Path | None = None) -> Given:
    return Given(state_dir=state_dir, own_dir=state_dir, bind=bind, token_file=token_file)


def test_nothing_is_done_before_anybody_says_so(state_dir: Path) -> None:
    assert settings(given(state_dir)) is None
    assert settings(given(state_dir, "127.0.0.1:0")) is None


def test_the_daemon_says_what_the_command_line_does_not(state_dir: Path, facts_file: Path) -> None:
    write_facts(facts_file, MonitoringFacts(bind="0.0.0.0:80", token_sha256=DIGEST, task_history_ttl=60))
    found = settings(given(state_dir))
    assert found
    assert (found.bind, found.token_sha256) == (Bind(host="0.0.0.0", port=80), DIGEST)
    found = settings(given(state_dir, "127.0.0.1:0"))
    assert found
    assert (found.bind, found.task_history_ttl) == (Bind(host="127.0.0.1", port=0), 60)


@pytest.mark.parametrize("bind", ["0.0.0.0:80", "[::]:80", "builder.example:80", "192.0.2.1:0"])
def test_others_need_a_token(state_dir: Path, facts_file: Path, tmp_path: Path, bind: str) -> None:
    write_facts(facts_file, MonitoringFacts(bind="127.0.0.1:80"))
    with pytest.raises(ConfigError, match="there is no token"):
        settings(given(state_dir, bind))
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    found = settings(given(state_dir, bind, token))
    assert found
    assert found.token_sha256 == DIGEST


@pytest.mark.parametrize("bind", ["8080", "localhost", "[::1]", "unix:", ":0", "a b:0", "127.0.0.1:99999"])
def test_a_place_that_is_none_is_said(state_dir: Path, facts_file: Path, bind: str) -> None:
    write_facts(facts_file, MonitoringFacts(bind="127.0.0.1:80"))
    with pytest.raises(ConfigError, match="--bind"):
        settings(given(state_dir, bind))
