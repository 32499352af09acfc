"""What is made from the table of options, and that what is committed is what is made."""

from pathlib import Path

import pytest

from koji_adjutant.cli.commands import main
from koji_adjutant.cli.documents import example, reference
from koji_adjutant.config import load_config
from koji_adjutant.config.options import table

ROOT = Path(__file__).resolve().parents[3]


def test_the_example_is_the_committed_one() -> None:
    assert (ROOT / "kojid.conf.example").read_text() == example(), "koji-adjutant config example"


def test_the_reference_is_the_committed_one() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == reference(), "koji-adjutant config docs"


def test_the_example_can_be_used_as_it_is() -> None:
    config = load_config(ROOT / "kojid.conf.example", environment={})
    assert config.server == "https://koji.example.com/kojihub"


def test_every_default_in_the_example_reads_as_the_default(tmp_path: Path) -> None:
    skipped = {"cert", "serverca", "timeout", "rlimit_*", "podman_socket", "cache_dir", "container_labels"}
    lines = []
    for line in example().splitlines():
        key = line.removeprefix("#").partition(" =")[0]
        if (
            line.startswith("#")
            and not line.startswith("# ")
            and key not in skipped
            and not line.endswith("=")
        ):
            line = line.removeprefix("#")  # noqa: PLW2901
        lines.append(line)
    file = tmp_path / "kojid.conf"
    file.write_text("\n".join(lines))
    written, plain = (
        load_config(file, environment={}),
        load_config(ROOT / "kojid.conf.example", environment={}),
    )
    differing = [
        row.key for row in table() if getattr(written, row.attribute) != getattr(plain, row.attribute)
    ]
    assert differing == ["log_level"]


def test_every_option_is_documented() -> None:
    text = reference()
    assert [
        row.key for row in table() if row.option.place != "command line" and f"`{row.key}`" not in text
    ] == []


@pytest.mark.parametrize(("action", "expected"), [("example", example()), ("docs", reference())])
def test_printing(action: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", action]) == 0
    assert capsys.readouterr().out == expected
