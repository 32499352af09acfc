"""What an option is."""

from dataclasses import dataclass

from koji_adjutant.config import option, values


def test_a_secret_is_in_no_text_of_a_configuration() -> None:
    @dataclass(frozen=True)
    class Options:
        name: str = option.kojid("n", values.text, "")
        password: str = option.kojid("pa55", values.secret, "")

    assert "name='n'" in repr(Options())
    assert "pa55" not in repr(Options())
