"""Names that are made of what others say: of the hub, a repo's metadata, a tag, a package, an archive.

Nothing else makes a local path, or a part of a URL's path, of such a string. Part by part it is what it looks like:
it cannot leave the directory that it is put below, it is the same path in a URL as on a disk, and it has a place in
a line of text. What is no such name is refused with the fault that the caller gives, which quotes it. Nothing is made
up in its place. Pure; a name has no lifetime.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from koji_adjutant.errors import AdjutantError, Problem

PART_LIMIT, NAME_LIMIT = 255, 4000
"""Bytes of a part, which is what a file system takes, and of the whole, which leaves room for a directory before it."""
SHOWN = 160
"""Characters of a string that a message quotes."""
READABLE = 40
"""Characters of a string in the name that `token` makes of it."""
CHECKSUM_KINDS = frozenset({"md5", "sha", "sha1", "sha224", "sha256", "sha384", "sha512"})
_CHECKSUM = re.compile(r"[0-9a-f]{32,128}")
_IN_URLS = re.compile(r"[?#%\\]")
_UNFIT_KINDS = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Of characters: control characters, halves of characters, ends of lines and paragraphs."""
_AS_IN_URLS = "!$&'()*+,;=:@"
"""What a part of a URL's path may have unquoted: a name has one spelling for all who fetch it."""
_NOT_IN_TOKENS = re.compile(r"[^A-Za-z0-9_.]+")
_PASSWORD = re.compile(r"(://[^\s/:@]*):[^\s/@]+@")
NO_TEXT = Problem("it is no text")

Refusal = Callable[[str], AdjutantError]


def shown(text: object) -> str:
    """A string of others as a message quotes it: on one line, printable, of a bearable length."""
    whole = str(text)
    quoted = repr(whole[:SHOWN])
    return quoted if len(whole) <= SHOWN else f"{quoted}... ({len(whole)} characters)"


def one_line(text: object) -> str:
    """A string of others in a line of text: what is not printable, and what would end the line, as escapes."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text)
    )


def without_passwords(text: str) -> str:
    """A text with no password in its URLs."""
    return _PASSWORD.sub(r"\1:***@", text)


def problem_of(part: str) -> Problem | None:
    """Why a string is no name of a file; None when it is one."""
    if part in {"", ".", ".."}:
        return Problem(f"{part!r} is part of it" if part else "an empty part is in it")
    if "/" in part:
        return Problem("'/' is in it")
    for character in part:
        if _IN_URLS.match(character) or unicodedata.category(character) in _UNFIT_KINDS:
            return Problem(f"{character!r} is in it")
    if len(part.encode()) > PART_LIMIT:
        return Problem(f"a part of it is longer than {PART_LIMIT} bytes")
    return None


def file_name(text: object, what: str, refusal: Refusal) -> str:
    """`text`, if it is the name of one file. `what` is what a message calls it."""
    problem = problem_of(text) if isinstance(text, str) else NO_TEXT
    if problem:
        raise _refused(text, what, problem, refusal)
    return str(text)


def parts(text: object, what: str, refusal: Refusal) -> tuple[str, ...]:
    """The parts of `text`, if it is a path below some directory and goes nowhere else."""
    if not isinstance(text, str):
        raise _refused(text, what, NO_TEXT, refusal)
    if text.startswith("/"):
        raise _refused(text, what, Problem("it is absolute"), refusal)
    found = tuple(text.split("/"))
    problem = next((problem for part in found if (problem := problem_of(part))), None)
    if not problem and len(text.encode()) > NAME_LIMIT:
        problem = Problem(f"it is longer than {NAME_LIMIT} bytes")
    if problem:
        raise _refused(text, what, problem, refusal)
    return found


def relative(text: object, what: str, refusal: Refusal) -> PurePosixPath:
    """`text` as a path below some directory."""
    return PurePosixPath(*parts(text, what, refusal))


def below(directory: Path, text: object, what: str, refusal: Refusal) -> Path:
    """The path `text` below `directory`."""
    return directory.joinpath(*parts(text, what, refusal))


def url_below(base: str, text: object, what: str, refusal: Refusal) -> str:
    """The URL of `text` below the URL `base`, each part of it quoted."""
    found = (quote(part, safe=_AS_IN_URLS) for part in parts(text, what, refusal))
    return "/".join((base.rstrip("/"), *found))


def checksum(kind: object, value: object, what: str, refusal: Refusal) -> None:
    """Refuse what is no checksum as repo metadata has it: its digits may become part of a path."""
    if kind not in CHECKSUM_KINDS or not isinstance(value, str) or not _CHECKSUM.fullmatch(value):
        raise refusal(f"{what}: {shown(value)} is no checksum of kind {shown(kind)}")


def token(text: str) -> str:
    """A name for a file, container or image that stands for `text`, whatever that is: other strings have others."""
    readable = _NOT_IN_TOKENS.sub("-", text).strip("-.")[:READABLE]
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{readable}-{digest}" if readable else digest


def _refused(text: object, what: str, problem: Problem, refusal: Refusal) -> AdjutantError:
    return refusal(f"{what} {shown(text)} is not a plain name below a directory: {problem}")
