"""What a site has set in mock's site-defaults.cfg, and what becomes of it here.

The file is a Python program that changes a dictionary. It is read as text and never run: what is set in a way that
cannot be read so is reported as such. Pure.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from koji_adjutant.config.options import Config
from koji_adjutant.config.site_keys import BY_KOJI, KEYS, MACROS_BY_KOJI
from koji_adjutant.errors import ConfigError

DEFAULT_FILE = Path("/etc/mock/site-defaults.cfg")
OPTIONS = "config_opts"
CHANGING = frozenset({"append", "extend", "insert", "update", "setdefault", "add", "remove", "pop", "clear"})
TEXT_LIMIT = 60


class Verdict(StrEnum):
    """What becomes of a setting."""

    HONOURED = "honoured"
    REPLACED = "replaced"
    WITHOUT_EFFECT = "without effect"
    NOT_READ = "not understood"


@dataclass(frozen=True, kw_only=True)
class SiteSetting:
    """One statement of the file. `path` are the keys from the dictionary down, `value` is Python text."""

    line: int
    path: tuple[str, ...]
    value: str
    conditional: bool = False

    @property
    def name(self) -> str:
        """The setting as the file calls it."""
        return OPTIONS + "".join(f"[{key!r}]" for key in self.path)

    @property
    def constant(self) -> object:
        """The value, where it is a constant; None otherwise."""
        try:
            return ast.literal_eval(self.value)
        except (ValueError, SyntaxError):
            return None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A setting and what becomes of it; `text` says by which of ours, or why not."""

    line: int
    name: str
    verdict: Verdict
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.name}: {self.verdict}: {self.text}"


def read_site_defaults(file: Path, config: Config) -> tuple[Finding, ...]:
    """Findings on every setting of the file; ConfigError when it is not there or no Python."""
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        raise ConfigError(
            f"{file} is not what mock reads: {error}", hint="mock does not start with it"
        ) from error
    return tuple(_finding(found, config) for found in _statements(tree.body, conditional=False))


def _statements(body: list[ast.stmt], *, conditional: bool) -> Iterator[SiteSetting | ast.stmt]:
    for statement in body:
        inner = [
            child
            for field in ("body", "orelse", "finalbody")
            for child in getattr(statement, field, [])
            if isinstance(child, ast.stmt)
        ]
        if inner:
            yield from _statements(inner, conditional=True)
        else:
            yield from _settings(statement, conditional=conditional)


def _settings(statement: ast.stmt, *, conditional: bool) -> Iterator[SiteSetting | ast.stmt]:
    targets, value = _change(statement)
    paths = [path for target in targets if (path := _path(target)) is not None]
    if not paths or len(paths) < len(targets):
        if not isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass) and not _is_text(statement):
            yield statement
        return
    for path in paths:
        for keys, content in _leaves(path, value):
            yield SiteSetting(
                line=statement.lineno, path=keys, value=ast.unparse(content), conditional=conditional
            )


def _change(statement: ast.stmt) -> tuple[list[ast.expr], ast.expr]:
    """What a statement changes, and by which value; nothing when it is none that does."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            return targets, value
        case ast.AugAssign(target=target, value=value):
            return [target], value
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=target, attr=name), args=args)) if (
            name in CHANGING
        ):
            return [target], args[-1] if args else ast.Constant(None)
        case _:
            return [], ast.Constant(None)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _path(target: ast.expr) -> tuple[str, ...] | None:
    """The keys below the dictionary that an expression names; None when it names something else."""
    match target:
        case ast.Name(id=name) if name == OPTIONS:
            return ()
        case ast.Subscript(value=inner, slice=ast.Constant(value=str(key))):
            above = _path(inner)
            return None if above is None else (*above, key)
        case _:
            return None


def _leaves(path: tuple[str, ...], value: ast.expr) -> Iterator[tuple[tuple[str, ...], ast.expr]]:
    """A dictionary that is set as a whole sets each of its keys."""
    if (
        isinstance(value, ast.Dict)
        and value.keys
        and all(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in value.keys)
    ):
        for key, content in zip(value.keys, value.values, strict=True):
            assert isinstance(key, ast.Constant)
            yield from _leaves((*path, str(key.value)), content)
    else:
        yield path, value


def _finding(found: SiteSetting | ast.stmt, config: Config) -> Finding:
    if isinstance(found, ast.stmt):
        text = ast.unparse(found).splitlines()[0]
        why = "mock runs it and this check does not: look at what it sets"
        return Finding(line=found.lineno, name=_short(text), verdict=Verdict.NOT_READ, text=why)
    verdict, text = _verdict(found, config)
    if found.conditional:
        text += " (set under a condition, or in a loop)"
    return Finding(line=found.line, name=found.name, verdict=verdict, text=text)


def _verdict(setting: SiteSetting, config: Config) -> tuple[Verdict, str]:
    match setting.path:
        case ("environment", name):
            return _added("build_env", name, setting, dict(config.build_env), f"{name}=")
        case ("macros", name) if f"%{name.removeprefix('%')}" not in MACROS_BY_KOJI:
            key = f"%{name.removeprefix('%')}"
            return _added("build_macros", key, setting, dict(config.build_macros), f"{key} ")
        case ("plugin_conf", "bind_mount_opts", *_):
            return _mounted(setting, config)
        case _:
            return _known(setting.path)


def _known(path: tuple[str, ...]) -> tuple[Verdict, str]:
    for length in range(len(path), 0, -1):
        if found := KEYS.get(path[:length]):
            return Verdict(found[0]), found[1]
    if path and (path[0] in BY_KOJI or path[0] == "macros"):
        return Verdict.WITHOUT_EFFECT, "with mock as well: Koji sets it for each buildroot"
    return Verdict.WITHOUT_EFFECT, "builds run in containers, not in mock"


def _added(
    option: str, name: str, setting: SiteSetting, ours: dict[str, str], start: str
) -> tuple[Verdict, str]:
    value = setting.constant
    if value is None:
        return Verdict.REPLACED, f"by {option}; its value is an expression: {_short(setting.value)}"
    if ours.get(name) == str(value):
        return Verdict.HONOURED, f"{option} has it"
    return Verdict.REPLACED, f"by {option}; add the line: {start}{value}"


def _mounted(setting: SiteSetting, config: Config) -> tuple[Verdict, str]:
    value = setting.constant
    pairs = [value] if isinstance(value, tuple) else list(value) if isinstance(value, list) else []
    words = [f"{pair[0]}:{pair[1]}:rw" for pair in pairs if isinstance(pair, tuple | list) and len(pair) > 1]
    if not words:
        return Verdict.REPLACED, "by build_mounts; its value cannot be read here"
    ours = {(mount.source, mount.target) for mount in config.build_mounts}
    if all((pair[0], pair[1]) in ours for pair in pairs):
        return Verdict.HONOURED, "build_mounts has it"
    return Verdict.REPLACED, f"by build_mounts; add (without :rw it is read-only): {' '.join(words)}"


def _short(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}..."
