"""The commands, and what belongs to other programs."""

import subprocess
import sys

import pytest

from koji_adjutant.cli import commands
from koji_adjutant.cli.commands import main


def test_testbed_is_another_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["testbed", "--help"])
    assert ended.value.code == 0
    assert "koji-adjutant testbed" in capsys.readouterr().out


def test_each_command_is_added_by_the_module_that_it_is_looked_for_in() -> None:
    for name in commands.MODULES:
        with pytest.raises(SystemExit) as ended:
            commands.parser([name]).parse_args([name, "--help"])
        assert ended.value.code == 0, name


def test_a_command_imports_its_own_modules_alone() -> None:
    program = (
        "import sys; from koji_adjutant.cli.commands import parser\n"
        "parser(['install-units']); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "koji_adjutant.cli.units" in done.stdout.split()
    assert not {"koji", "requests", "rich", "koji_adjutant.cli.doctor"} & set(done.stdout.split())
