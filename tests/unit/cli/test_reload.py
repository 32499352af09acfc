"""The command line with which a daemon starts anew."""

import pytest

from koji_adjutant.cli.reload import start_argv


@pytest.mark.parametrize("word", ["--force-lock", "--force", "--fo"])
def test_the_lock_by_any_name(word: str) -> None:
    assert start_argv(["python", "kojid", "--fg", word, "-f"]) == ["python", "kojid", "--fg", "-f"]
