"""What is a name of a file, what is none, and what is made of it."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from koji_adjutant import names
from koji_adjutant.errors import BuildFailed, BuildrootFailed
from tests.unit.hostile_names import HOSTILE_PARTS, HOSTILE_PATHS, ODD_NAMES

ALL = {**HOSTILE_PARTS, **HOSTILE_PATHS, **ODD_NAMES}


def each(cases: dict[str, str]) -> list[object]:
    return [pytest.param(value, id=kind) for kind, value in cases.items()]


@pytest.mark.parametrize("text", each({**HOSTILE_PATHS, **HOSTILE_PARTS}))
def test_hostile_path_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BuildFailed) as caught:
        names.below(Path("/task"), text, "source package", BuildFailed)
    assert str(caught.value).startswith("source package '")
    assert caught.value.message.isprintable()
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("text", each({**HOSTILE_PARTS, "path": "a/b", "up": "..", "here": ".", "empty": ""}))
def test_hostile_file_name_is_refused(text: str) -> None:
    with pytest.raises(BuildrootFailed, match=r"^log .* is not a plain name"):
        names.file_name(text, "log", BuildrootFailed)


@pytest.mark.parametrize("given", [None, 7, b"name", ["name"], {"a": 1}])
def test_what_is_no_text_is_refused(given: object) -> None:
    with pytest.raises(BuildFailed, match="it is no text"):
        names.parts(given, "source package", BuildFailed)
    with pytest.raises(BuildFailed, match="it is no text"):
        names.file_name(given, "log", BuildFailed)


@pytest.mark.parametrize("name", each(ODD_NAMES))
def test_odd_name_is_one_file_of_the_directory(tmp_path: Path, name: str) -> None:
    path = names.below(tmp_path, name, "file", BuildFailed)
    path.write_text("content")
    assert [found.name for found in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", each(ODD_NAMES))
def test_odd_name_is_the_last_part_of_a_url(name: str) -> None:
    url = urlsplit(names.url_below("http://hub/kojifiles/", f"work/{name}", "file", BuildFailed))
    assert (url.netloc, unquote(url.path), url.query, url.fragment) == (
        "hub",
        f"/kojifiles/work/{name}",
        "",
        "",
    )


def test_parts_are_kept_as_they_are() -> None:
    assert names.parts("a/b c/é/..d", "path", BuildFailed) == ("a", "b c", "é", "..d")
    assert str(names.relative("rhel/9.2+x/7", "path", BuildFailed)) == "rhel/9.2+x/7"


@pytest.mark.parametrize("text", each(ALL))
def test_token_is_a_plain_name_that_others_do_not_have(text: str) -> None:
    made = names.token(text)
    assert names.problem_of(made) is None
    assert made.isascii()
    assert not made.startswith(("-", "."))
    assert len(made) <= 64
    assert made == names.token(text)
    assert made != names.token(f"{text}x")


@pytest.mark.parametrize("text", each({**ALL, "bidi": "a\u202eb", "quote": "it's"}))
def test_shown_text_is_one_printable_line(text: str) -> None:
    assert names.shown(text).isprintable()
    assert len(names.shown(text)) < 1700
