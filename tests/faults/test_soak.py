"""Two minutes of faults, each kind at least once, unless `--fault-minutes` and `--fault-seed` say otherwise.

Nothing is lost, nothing is left.
"""

import tempfile
from pathlib import Path

import pytest

from tests.faults.report import lines, say
from tests.faults.soak import MUST_BE_SEEN, Account, run
from tests.summary import show_at_the_end


@pytest.fixture(scope="module")
def account(fault_minutes: float, fault_seed: int, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """What happened in one run; its logs stay with the temporary files of the tests."""
    logs = tmp_path_factory.mktemp("soak") / "logs"
    with tempfile.TemporaryDirectory(prefix="koji-adjutant-soak-") as directory:
        account = run(Path(directory) / "t", minutes=fault_minutes, seed=fault_seed, say=say, keep=logs)
    say(f"logs are in {logs}")
    return account


def test_nothing_is_lost_and_nothing_is_left(account: Account, request: pytest.FixtureRequest) -> None:
    for line in lines(account):
        show_at_the_end(request.config, line)
    assert account.is_well, "\n".join(lines(account))


def test_the_census_finds_what_nobody_sweeps(account: Account) -> None:
    """Everything was killed in the middle of builds, and not started again before it was taken."""
    assert not [name for name in MUST_BE_SEEN if not account.unswept[name]]
