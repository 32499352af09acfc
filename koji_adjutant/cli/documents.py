"""kojid.conf.example and docs/configuration.md, made of the table of options; and what `config check` prints."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.config import Config, values
from koji_adjutant.config.load import NOT_YET
from koji_adjutant.config.options import Place, Row, table

_EXAMPLE_HEAD = """\
# kojid.conf of koji-adjutant: every option with its default, made by `koji-adjutant config example`.
# Section [kojid] means what it means to kojid. Section [adjutant] is koji-adjutant's own; kojid refuses a
# file that has one. docs/configuration.md says more.
"""
_REFERENCE_HEAD = """\
# Configuration

The daemon reads `/etc/kojid/kojid.conf`, or what `--config` names: a file, or a directory whose files are read
in order. Values are taken as they stand, `%` included. A value on the command line wins over the environment,
that over the file, and that over the default. Whatever is not understood ends the daemon with exit code 2 and
one line that names file, option and value. `koji-adjutant config check` reads a file as the daemon would, and
says what becomes of each setting in mock's `/etc/mock/site-defaults.cfg`, which it reads and never runs.

This page is made by `koji-adjutant config docs`; `kojid.conf.example` by `koji-adjutant config example`.
"""
_ADJUTANT_HEAD = """
## [adjutant]

The options of koji-adjutant. Each may also be written into `[kojid]` with the prefix `adjutant_`, or given in
the environment as `KOJI_ADJUTANT_` and its name in capitals. Stock kojid refuses a file that has any of them.
"""
_WITHOUT_EFFECT_HEAD = """
## Without effect

kojid has these options, so a file may have them. They are read, checked for their type, and change nothing.
"""
_NOT_YET_HEAD = """
## Not supported yet

These are refused, so that nobody relies on them: """


def example() -> str:
    """kojid.conf.example."""
    lines = [_EXAMPLE_HEAD]
    for place in (Place.KOJID, Place.ADJUTANT):
        lines.append(f"[{place}]")
        lines += [line for row in _rows(place) for line in _commented(row)]
    return "\n".join(lines).rstrip() + "\n"


def reference() -> str:
    """docs/configuration.md."""
    effective = _table(_rows(Place.KOJID))
    idle = [f"- `{row.key}`: {row.option.doc.removeprefix('no effect: ')}" for row in _idle()]
    return "".join(
        [
            _REFERENCE_HEAD,
            "\n## [kojid]\n\nThe options of kojid, with kojid's names, types and defaults.\n\n",
            effective,
            _ADJUTANT_HEAD + "\n",
            _table(_rows(Place.ADJUTANT)),
            _WITHOUT_EFFECT_HEAD + "\n",
            "\n".join(idle) + "\n",
            _NOT_YET_HEAD + ", ".join(f"`{key}`" for key in sorted(NOT_YET)) + ".\n",
        ]
    )


def summary(config: Config, file: Path) -> str:
    """What a configuration says, where it differs from the defaults; secrets are not shown."""
    lines = [f"{file}: good"]
    for row in table():
        value = getattr(config, row.attribute)
        if row.option.place is not Place.COMMAND_LINE and _plain(value) != default_text(row):
            shown = "(not shown)" if row.option.parse is values.secret else _shown(row, value)
            note = "" if row.option.has_effect else f"  # {row.option.doc}"
            lines.append(f"[{row.option.place}] {row.key} = {shown}{note}")
    return "\n".join(lines) + "\n"


def _shown(row: Row, value: Any) -> str:
    if row.option.parse not in {values.macros, values.settings}:
        return _plain(value)
    between = " " if row.option.parse is values.macros else "="
    return "; ".join(f"{name}{between}{content}" for name, content in value.items())


def default_text(row: Row) -> str:
    """The default as it would be written."""
    if row.option.default_text is not None:
        return row.option.default_text
    return _plain(row.default)


def _plain(value: Any) -> str:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return " ".join(f"{name}={'none' if content is None else content}" for name, content in value.items())
    if isinstance(value, tuple):
        return " ".join(_plain(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _rows(place: Place) -> Iterator[Row]:
    return (row for row in table() if row.option.place is place and row.option.has_effect)


def _idle() -> Iterator[Row]:
    return (row for row in table() if not row.option.has_effect)


def _commented(row: Row) -> Iterator[str]:
    yield f"# {row.option.doc}"
    mark = "" if row.option.required else "#"
    yield f"{mark}{row.key} = {default_text(row)}".rstrip()
    yield ""


def _table(rows: Iterator[Row]) -> str:
    lines = ["| option | default | meaning |", "|---|---|---|"]
    for row in rows:
        default = "required" if row.option.required else f"`{default_text(row)}`" if default_text(row) else ""
        lines.append(f"| `{row.key}` | {default} | {row.option.doc} |")
    return "\n".join(lines) + "\n"
