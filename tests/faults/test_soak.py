"""Five minutes of faults: nothing is lost, nothing is left. `--fault-minutes` and `--fault-seed` say otherwise."""

import tempfile
from pathlib import Path

import pytest

from tests.faults.report import say, show, summary
from tests.faults.soak import MUST_BE_SEEN, Account, run


@pytest.fixture(scope="module")
def account(fault_minutes: float, fault_seed: int, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """What happened in one run; its logs stay with the temporary files of the tests."""
    logs = tmp_path_factory.mktemp("soak") / "logs"
    with tempfile.TemporaryDirectory(prefix="koji-adjutant-soak-") as directory:
        account = run(Path(directory) / "t", minutes=fault_minutes, seed=fault_seed, say=say, keep=logs)
    say(f"logs are in {logs}")
    return account


def test_nothing_is_lost_and_nothing_is_left(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        show(account)
    assert account.is_well, summary(account)


def test_the_census_finds_what_nobody_sweeps(account: Account) -> None:
    """Everything was killed in the middle of builds, and not started again before it was taken."""
    assert not [name for name in MUST_BE_SEEN if not account.unswept[name]]
