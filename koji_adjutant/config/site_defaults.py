"""What a site has set in mock's site-defaults.cfg, and what becomes of it here.

The file is a Python program that changes a dictionary. It is read as text and never run: what is set in a way that
cannot be read so is reported as such. Pure.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from koji_adjutant.config import nspawn_args
from koji_adjutant.config.options import Config
from koji_adjutant.config.site_keys import BY_KOJI, KEYS, MACROS_BY_KOJI
from koji_adjutant.config.values import AUTO
from koji_adjutant.errors import ConfigError

DEFAULT_FILE = Path("/etc/mock/site-defaults.cfg")
OPTIONS = "config_opts"
CHANGING = frozenset({"append", "extend", "insert", "update", "setdefault", "add", "remove", "pop", "clear"})
ADDING = frozenset({"=", "+=", "append", "extend"})
SWITCHES = frozenset({("plugin_conf", "rpmautospec_enable")})
"""What is honoured when it is off, too."""
CA_BUNDLE = "/etc/pki/tls/certs/ca-bundle.crt"
"""What mock copies to `ssl_ca_bundle_path`."""
MOCKS_TRUST = [(path, path) for path in ("/etc/pki/ca-trust", "/usr/share/pki/ca-trust-source")]
"""mock's default of `ssl_copied_ca_trust_dirs`."""
TEXT_LIMIT = 60


class Verdict(StrEnum):
    """What becomes of a setting."""

    HONOURED = "honoured"
    REPLACED = "replaced"
    WITHOUT_EFFECT = "without effect"
    NOT_READ = "not understood"


@dataclass(frozen=True, kw_only=True)
class SiteSetting:
    """One statement of the file. `path` are the keys from the dictionary down, `value` is Python text.

    `how` is what it does there: `=`, an operator with it, or the name of a method.
    """

    line: int
    path: tuple[str, ...]
    value: str
    how: str
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
    """A setting and what becomes of it; `text` says which option of the daemon replaces it, or why none does."""

    line: int
    name: str
    verdict: Verdict
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.name}: {self.verdict}: {self.text}"


def read_site_defaults(file: Path, config: Config) -> tuple[Finding, ...]:
    """Findings on every setting of the file; ConfigError when it is not there or no Python."""
    return tuple(finding for found in _read(file) for finding in _findings(found, config))


def read_settings(file: Path) -> Iterator[SiteSetting]:
    """The settings of the file that can be read; ConfigError when it is not there or no Python."""
    return (found for found in _read(file) if isinstance(found, SiteSetting))


def _read(file: Path) -> Iterator[SiteSetting | ast.stmt]:
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        raise ConfigError(
            f"{file} is not what mock reads: {error}", hint="mock does not start with it"
        ) from error
    return _statements(tree.body, conditional=False)


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
    targets, value, how = _change(statement)
    paths = [path for target in targets if (path := _path(target)) is not None]
    if not paths or len(paths) < len(targets):
        if not isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass) and not _is_text(statement):
            yield statement
        return
    for path in paths:
        for keys, content in _leaves(path, value):
            yield SiteSetting(
                line=statement.lineno,
                path=keys,
                value=ast.unparse(content),
                how=how,
                conditional=conditional,
            )


def _change(statement: ast.stmt) -> tuple[list[ast.expr], ast.expr, str]:
    """What a statement changes, by which value and how; nothing when it is none that does."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            return targets, value, "="
        case ast.AugAssign(target=target, op=operator, value=value):
            return [target], value, "+=" if isinstance(operator, ast.Add) else "another operator"
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=target, attr=name), args=args)) if (
            name in CHANGING
        ):
            return [target], args[-1] if args else ast.Constant(None), name
        case ast.Delete(targets=targets):
            return targets, ast.Constant(None), "del"
        case _:
            return [], ast.Constant(None), ""


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


def _findings(found: SiteSetting | ast.stmt, config: Config) -> Iterator[Finding]:
    if isinstance(found, ast.stmt):
        text = ast.unparse(found).splitlines()[0]
        why = "mock runs it and this check does not: look at what it sets"
        yield Finding(line=found.lineno, name=_short(text), verdict=Verdict.NOT_READ, text=why)
        return
    under = " (set under a condition, or in a loop)" if found.conditional else ""
    for name, verdict, text in _verdicts(found, config):
        yield Finding(line=found.line, name=name, verdict=verdict, text=text + under)


def _verdicts(setting: SiteSetting, config: Config) -> Iterator[tuple[str, Verdict, str]]:
    """What is told of a setting: of the words for systemd-nspawn, one by one."""
    words = _texts(setting.constant)
    if setting.path == ("nspawn_args",) and setting.how in ADDING and words:
        for answer in nspawn_args.answers(words, config):
            yield f"{setting.name} {answer.word}", Verdict(answer.verdict), answer.text
    else:
        yield setting.name, *_verdict(setting, config)


def _texts(value: object) -> tuple[str, ...]:
    """A text, or a list of nothing else; empty when it is neither."""
    given = (value,) if isinstance(value, str) else value if isinstance(value, list | tuple) else ()
    return (
        tuple(one for one in given if isinstance(one, str))
        if all(isinstance(one, str) for one in given)
        else ()
    )


def _verdict(setting: SiteSetting, config: Config) -> tuple[Verdict, str]:
    match setting.path:
        case ("environment", name):
            return _added("build_env", name, setting, dict(config.build_env), f"{name}=")
        case ("macros", name) if f"%{name.removeprefix('%')}" not in MACROS_BY_KOJI:
            key = f"%{name.removeprefix('%')}"
            return _added("build_macros", key, setting, dict(config.build_macros), f"{key} ")
        case ("plugin_conf", "bind_mount_opts", "dirs") | ("plugin_conf", "bind_mount_opts"):
            return _mounted(setting, config)
        case ("ssl_copied_ca_trust_dirs",) | ("ssl_ca_bundle_path",):
            return _trusted(setting, config)
        case path:
            verdict, text = _known(path)
            is_off = setting.constant is False and path not in SWITCHES
            return (Verdict.WITHOUT_EFFECT if is_off and verdict is Verdict.HONOURED else verdict), text


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
    pairs = _pairs(setting.constant)
    if not pairs:
        return Verdict.REPLACED, "by build_mounts; its value cannot be read here"
    verdict, text = nspawn_args.mount_answer(pairs, config)
    return Verdict(verdict), text


def _trusted(setting: SiteSetting, config: Config) -> tuple[Verdict, str]:
    target = setting.constant
    pairs = [(CA_BUNDLE, target)] if isinstance(target, str) else _pairs(target)
    if not pairs:
        return _known(setting.path)
    trust = config.scm_ca_trust
    if (trust == AUTO and pairs == MOCKS_TRUST) or (
        isinstance(trust, tuple) and {(mount.source, mount.target) for mount in trust}.issuperset(pairs)
    ):
        return Verdict.HONOURED, "scm_ca_trust has it, for checkouts and source_cmd"
    line = " ".join(f"{source}:{target}" for source, target in pairs)
    return Verdict.REPLACED, f"by scm_ca_trust; add the line: scm_ca_trust = {line}"


def _pairs(value: object) -> list[tuple[str, str]]:
    """Paths of the host and of the root: a pair, or a list of pairs; empty when it is neither."""
    given = [value] if isinstance(value, tuple) and _texts(value) else value
    if not isinstance(given, list | tuple):
        return []
    found = [words for one in given if len(words := _texts(one)) == len(("host", "root"))]
    return [(source, target) for source, target in found] if len(found) == len(given) else []


def _short(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}..."
