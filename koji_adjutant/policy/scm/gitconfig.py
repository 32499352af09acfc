r"""git's configuration of this host, in one file that means the same in a container. Pure but for the files it reads.

Files that it includes are read in their place; `includeIf` asks for things that a clone does not have yet, and is left
out. Files that it names for http (certificates, keys, cookies) and for git's own credential store go with it, under
the names that they have there. A program that it names has to be in the image of checkouts, or its option left out by
a file of one's own for `scm_gitconfig`: the names of programs are told, so that this is known before a checkout fails.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from koji_adjutant.policy.scm.host_files import Found, HostFile, State, read

OPTION = "scm_gitconfig"
DEPTH = 10
"""Of files that include others, as git's own limit."""
FILES = frozenset({"sslcainfo", "sslcert", "sslkey", "cookiefile"})
FILES_OF_PROXIES = frozenset({"proxysslcainfo", "proxysslcert", "proxysslkey"})
STORES = (Path("~/.git-credentials"), Path("~/.config/git/credentials"))
"""Where `credential.helper = store` looks."""
_HEADER = re.compile(r'\[\s*([A-Za-z0-9.-]+)(?:\s+"((?:[^"\\\n]|\\.)*)")?\s*\]')
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*")
_STORE = re.compile(r"store(?:\s+--file(?:=|\s+)(\S+))?\s*")
_BUILT_IN = re.compile(r"(store|cache)(\s|$)")
_ESCAPES = MappingProxyType({"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"})
_QUOTED = MappingProxyType({value: f"\\{key}" for key, value in _ESCAPES.items()})


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One line of a configuration: sections and keys know no case, the name in a section's quotes does."""

    section: str
    name: str
    key: str
    value: str | None
    """None for a key alone, which means true."""


@dataclass(frozen=True, kw_only=True)
class GitConfig:
    """The configuration for a container, and what it needs beside it."""

    text: str
    files: dict[str, bytes]
    """By name, below the directory of files."""
    ssh_command: str
    """core.sshCommand, which is not in `text`; empty where there is none."""
    found: tuple[Found, ...]


class Malformed(ValueError):
    """git would refuse the file; the message says where."""


def parse(text: str) -> Iterator[Setting]:
    """The settings of a file, in its order. Malformed where git would stop."""
    section, name, place = "", "", 0
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    while place < len(text):
        character = text[place]
        if character.isspace():
            place += 1
        elif character in "#;":
            place = _end_of_line(text, place)
        elif header := _HEADER.match(text, place):
            section, dot, old_name = header[1].lower().partition(".")
            name = re.sub(r"\\(.)", r"\1", header[2] or "") if not dot else old_name
            place = header.end()
        elif key := _KEY.match(text, place):
            value, place = _value(text, key.end())
            # Before the first section git takes a key, and never asks for it.
            if section:
                yield Setting(section=section, name=name, key=key[1].lower(), value=value)
        else:
            raise Malformed(f"line {text.count(chr(10), 0, place) + 1}")


def _end_of_line(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _value(text: str, place: int) -> tuple[str | None, int]:
    """What follows a key, and where it ends."""
    if text[place : place + 1] != "=":
        end = _end_of_line(text, place)
        if text[place:end].strip():
            raise Malformed(f"line {text.count(chr(10), 0, place) + 1}")
        return None, end
    said, blanks, quoted = "", "", False
    place += 1
    while place < len(text) and (character := text[place]) != "\n":
        if character == "\\":
            following = text[place + 1 : place + 2]
            if following not in {"\n", "", *_ESCAPES}:
                raise Malformed(f"line {text.count(chr(10), 0, place) + 1}")
            said, blanks = said + blanks + _ESCAPES.get(following, ""), ""
            place += 2
            continue
        if character == '"':
            quoted = not quoted
            said, blanks = said + blanks, ""
        elif not quoted and character in "#;":
            place = _end_of_line(text, place)
            break
        elif not quoted and character in " \t":
            blanks += character if said else ""
        else:
            said, blanks = said + blanks + character, ""
        place += 1
    if quoted:
        raise Malformed(f"line {text.count(chr(10), 0, place) + 1}")
    return said, place


def write(settings: Sequence[Setting]) -> str:
    """A file that says `settings`."""
    return "".join(_line(setting) for setting in settings)


def _line(setting: Setting) -> str:
    quoted = setting.name.replace("\\", "\\\\").replace('"', '\\"')
    name = f' "{quoted}"' if setting.name else ""
    value = (
        ""
        if setting.value is None
        else ' = "{}"'.format("".join(_QUOTED.get(each, each) for each in setting.value))
    )
    return f"[{setting.section}{name}]\n\t{setting.key}{value}\n"


def git_config(paths: Sequence[Path], directory: str) -> GitConfig:
    """What the files at `paths` say, one after the other, with their files below `directory`."""
    reader = _Reader(directory=directory)
    for path in paths:
        reader.add(path)
    return GitConfig(
        text=write(reader.settings),
        files=reader.files,
        ssh_command=reader.ssh_command,
        found=tuple(reader.found),
    )


class _Reader:
    """Puts one configuration together."""

    def __init__(self, directory: str) -> None:
        self.settings: list[Setting] = []
        self.files: dict[str, bytes] = {}
        self.found: list[Found] = []
        self.ssh_command = ""
        self._directory = directory

    def add(self, path: Path, depth: int = 0) -> None:
        file = read(OPTION, path)
        index = len(self.found)
        self.found.append(file.found)
        notes: list[str] = []
        try:
            for setting in parse(file.content.decode(errors="surrogateescape")) if depth <= DEPTH else ():
                notes += self._take(setting, file.found.path, depth)
        except Malformed as error:
            notes.append(f"git cannot read it from {error} on")
        self.found[index] = Found(
            option=OPTION, path=file.found.path, state=file.found.state, note="; ".join(dict.fromkeys(notes))
        )

    def _take(self, setting: Setting, origin: Path, depth: int) -> Iterator[str]:
        """Take over one setting; what is to be known of it."""
        value, name = setting.value or "", f"{setting.section}.{setting.key}"
        if name == "include.path":
            self.add(_path(value, origin), depth + 1)
            return
        if setting.section == "includeif":
            yield "includeIf is left out"
            return
        if name == "core.sshcommand":
            self.ssh_command = value
        if _names_program(setting):
            yield f"{name} names a program, which has to be in the image of checkouts"
        if name == "core.sshcommand":
            return
        if setting.section == "http" and setting.key in FILES | FILES_OF_PROXIES and value:
            value = self._file(_path(value, origin)) or value
        elif name == "credential.helper" and (store := _STORE.fullmatch(value)):
            stores = (_path(store[1], origin),) if store[1] else STORES
            value = "store" + "".join(f" --file={place}" for place in [self._first_file(stores)] if place)
        self.settings.append(
            Setting(
                section=setting.section,
                name=setting.name,
                key=setting.key,
                value=None if setting.value is None else value,
            )
        )

    def _first_file(self, paths: Sequence[Path]) -> str:
        return next((place for path in paths if (place := self._file(path))), "")

    def _file(self, path: Path) -> str:
        """Where a file of this host is in the container; empty where it is not given."""
        file: HostFile = read(OPTION, path)
        self.found.append(file.found)
        if file.found.state is not State.GIVEN:
            return ""
        name = f"file-{len(self.files) + 1}"
        self.files[name] = file.content
        return f"{self._directory}/{name}"


def _path(value: str, origin: Path) -> Path:
    """A path as git reads it in the file `origin`."""
    path = Path(value)
    return path if value.startswith("~/") or path.is_absolute() else origin.parent / path


def _names_program(setting: Setting) -> bool:
    value, name = setting.value or "", f"{setting.section}.{setting.key}"
    if name == "credential.helper":
        return bool(value) and not _BUILT_IN.match(value)
    return name in {"core.sshcommand", "core.gitproxy", "core.askpass"} or setting.section == "filter"
