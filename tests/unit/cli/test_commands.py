"""The commands, and what belongs to other programs."""

import pytest

from koji_adjutant.cli import main


def test_testbed_is_another_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["testbed", "--help"])
    assert ended.value.code == 0
    assert "koji-adjutant testbed" in capsys.readouterr().out
