"""kojid.conf.example and docs/configuration.md, made of the table of options; and what `config check` prints."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, cast

from koji_adjutant.config import Config, old_names, values
from koji_adjutant.config.option import Place
from koji_adjutant.config.options import Row, table
from koji_adjutant.policy.methods import METHODS

_EXAMPLE_HEAD = """\
# kojid.conf of koji-adjutant: every option with its default, made by `koji-adjutant config example`.
# Section [kojid] means what it means to kojid. Section [adjutant] is koji-adjutant's own; kojid refuses a
# file that has one. docs/configuration.md says more.
"""
REFERENCE_TEXT = """\
The daemon reads `/etc/kojid/kojid.conf`, or what `--config` names: a file, or a directory whose files are read
in order. Values are taken as they stand, `%` included. A value on the command line wins over the environment,
that over the file, and that over the default. Whatever is not understood ends the daemon with exit code 2 and
one line that names file, option and value. `koji-adjutant config check` reads a file as the daemon would, and
says what becomes of each setting in mock's `/etc/mock/site-defaults.cfg`, which it reads and never runs.
"""
_REFERENCE_HEAD = f"""\
# Configuration

{REFERENCE_TEXT}
This page is made by `koji-adjutant config docs`; `kojid.conf.example` by `koji-adjutant config example`.
"""
ADJUTANT_TEXT = """\
The options of koji-adjutant. Each may also be written into `[kojid]` with the prefix `adjutant_`, or given in
the environment as `KOJI_ADJUTANT_` and its name in capitals. Stock kojid refuses a file that has any of them.
"""
_ADJUTANT_HEAD = f"""
## [adjutant]

{ADJUTANT_TEXT}"""
_WITHOUT_EFFECT_HEAD = """
## Without effect

kojid has these options, so a file may have them. They are read, checked for their type, and change nothing.
"""
_OLD_HEAD = """
## Old names

Options of earlier versions. They are read, and the log of the daemon and `config check` say what to write instead.
Where the new option says something of the same limit, it goes first.

"""
_METHODS_HEAD = """
## Task methods

Those that this builder has. The weight is that of a task before the hub or the task itself has changed it. What has
containers can be limited; privileges and network are those of code that a package brings. A buildroot begins with a
group of packages of the build tag; where it says so, the group is made ready for the next repo of the tag (`prewarm`).

"""


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
    idle: dict[str, list[str]] = {}
    for row in _idle():
        idle.setdefault(row.option.doc.removeprefix("no effect: "), []).append(f"`{row.key}`")
    return "".join(
        [
            _REFERENCE_HEAD,
            "\n## [kojid]\n\nThe options of kojid, with kojid's names, types and defaults.\n\n",
            effective,
            _ADJUTANT_HEAD + "\n",
            _table(_rows(Place.ADJUTANT)),
            _WITHOUT_EFFECT_HEAD + "\n",
            *(f"- {', '.join(keys)}: {why}\n" for why, keys in idle.items()),
            _OLD_HEAD,
            "; ".join(f"`{key}`: now `{method}.` in `limits`" for key, method in old_names.LIMITS.items()),
            "\n",
            _METHODS_HEAD,
            _methods(),
        ]
    )


def summary(config: Config) -> str:
    """What a configuration says, where it differs from the defaults; secrets are not shown."""
    lines = []
    for row in table():
        value = getattr(config, row.attribute)
        if row.option.place is not Place.COMMAND_LINE and _plain(value) != default_text(row):
            shown = "(not shown)" if row.option.parse in values.SECRET else _shown(row, value)
            note = "" if row.option.has_effect else f"  # {row.option.doc}"
            lines.append(f"[{row.option.place}] {row.key} = {shown}{note}")
    return "".join(f"{line}\n" for line in lines)


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
    if is_dataclass(value) and type(value).__str__ is object.__str__:
        value = asdict(cast("Any", value))
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


def _methods() -> str:
    lines = [
        "| method | weight | containers | privileges | network | buildroot |",
        "|---|---|---|---|---|---|",
    ]
    for row in METHODS.values():
        if not (row.containers or row.profile or row.network or row.install_group):
            continue
        group = f"`{row.install_group}`" if row.install_group else ""
        cells = (
            f"`{row.name}`",
            f"{row.weight:g}",
            "yes" if row.containers else "",
            f"{row.profile}" if row.profile else "",
            "yes" if row.network else "",
            f"{group}, made ready" if row.prewarm else group,
        )
        lines.append(f"| {' | '.join(cells)} |")
    named = {cell for line in lines for cell in line.split() if cell.startswith("`")}
    plain = [f"`{row.name}` ({row.weight:g})" for row in METHODS.values() if f"`{row.name}`" not in named]
    lines += ["", f"Nothing of all that, only a weight: {', '.join(plain)}."]
    return "\n".join(lines) + "\n"


def _table(rows: Iterator[Row]) -> str:
    lines = ["| option | default | meaning |", "|---|---|---|"]
    for row in rows:
        default = "required" if row.option.required else f"`{default_text(row)}`" if default_text(row) else ""
        lines.append(f"| `{row.key}` | {default} | {row.option.doc} |")
    return "\n".join(lines) + "\n"
