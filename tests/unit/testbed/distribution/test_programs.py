"""Programs that make a distribution, and how their failure is said."""

import pytest

from koji_adjutant.testbed.distribution.programs import ProgramFailed, run


def test_program_that_fails_is_shown_with_its_words() -> None:
    with pytest.raises(ProgramFailed, match=r"exit code 3 from sh -c 'echo said >&2; exit 3': said"):
        run(["sh", "-c", "echo said >&2; exit 3"])


def test_program_that_is_missing_is_named() -> None:
    with pytest.raises(ProgramFailed, match="no-such-program cannot be run: No such file"):
        run(["no-such-program"])
