"""The documents: short, their links lead somewhere, and what they say of programs is what programs say."""

import re
from collections.abc import Iterator
from pathlib import Path

from koji_adjutant.cli.doctor.table import CHECKS
from tests.parts import CORE

ROOT = Path(__file__).resolve().parent.parent
DOCS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
MOST_LINES = 1500
WRITTEN_BY_A_RUN = "platforms.md"
"""As long as what there is to tell of `make platforms`: nobody could shorten it by saying less."""
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")
QUOTED = re.compile(r"`([^`]+)`")


def section(file: Path, title: str) -> str:
    text = file.read_text()
    begin = text.index(f"## {title}\n")
    end = text.find("\n## ", begin + 1)
    return text[begin : end if end > 0 else len(text)]


def rows(text: str) -> Iterator[list[str]]:
    """The rows of a table, below its heading, as cells."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return (re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[2:])


def anchors(file: Path) -> set[str]:
    titles = HEADING.findall(file.read_text())
    return {NOT_IN_ANCHORS.sub("", title.lower()).replace(" ", "-") for title in titles}


def test_all_of_them_are_short() -> None:
    lines = {file.name: len(file.read_text().splitlines()) for file in DOCS if file.name != WRITTEN_BY_A_RUN}
    assert sum(lines.values()) < MOST_LINES, lines


def test_links_lead_somewhere() -> None:
    lost = []
    for file in DOCS:
        for link in LINK.findall(file.read_text()):
            path, _, anchor = link.partition("#")
            if "://" in link:
                continue
            target = (file.parent / path) if path else file
            if not target.exists() or (anchor and anchor not in anchors(target)):
                lost.append(f"{file.name}: {link}")
    assert not lost


def test_symptoms_are_what_the_program_says_and_a_test_has_seen() -> None:
    said = "\n".join(file.read_text() for file in (ROOT / "koji_adjutant").rglob("*.py"))
    tests = "\n".join(file.read_text() for file in (ROOT / "tests").rglob("*.py"))
    for cells in rows(section(ROOT / "docs/operating.md", "Symptoms")):
        for text in QUOTED.findall(cells[0]):
            assert text in said, f"nothing says {text!r}"
            assert text in tests, f"no test has seen {text!r}"


def test_the_checklist_names_checks_and_tests() -> None:
    known = {check.id for check in CHECKS}
    for _, checks, tests in rows(section(ROOT / "docs/operating.md", "Before production")):
        unknown = set(QUOTED.findall(checks)) - known
        assert not unknown
        lost = [name for name in QUOTED.findall(tests) if not (ROOT / "tests" / name).exists()]
        assert not lost


def test_what_runs_on_every_platform_is_listed() -> None:
    listed = QUOTED.findall(section(ROOT / "docs/contributing.md", "Core"))
    assert [name for name in listed if (ROOT / "tests" / name).exists()] == [
        name.removeprefix("tests/") for name in CORE
    ]
