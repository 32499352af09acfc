"""Reading the configuration, once, at start: file, environment, command line.

What is wrong in it is a ConfigError that names file, option and value. The result is a frozen `Config`
(`koji_adjutant.config.options`).
"""

import os
import resource
from collections.abc import Iterable, Iterator, Mapping
from configparser import Error as ParserError
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import koji

from koji_adjutant.config import old_names, values
from koji_adjutant.config.autospec import autospec_plan
from koji_adjutant.config.build_mounts import mismatch
from koji_adjutant.config.monitoring_options import token_digest
from koji_adjutant.config.option import Place
from koji_adjutant.config.options import DEFAULT_STATE_DIR, Config, Row, table
from koji_adjutant.config.package_manager import read_package_managers
from koji_adjutant.errors import ConfigError

DEFAULT_FILE = Path("/etc/kojid/kojid.conf")
ENVIRONMENT_PREFIX = "KOJI_ADJUTANT_"
TESTBED_PREFIX = ENVIRONMENT_PREFIX + "TESTBED"
KEY_PREFIX = "adjutant_"
ROWS: Mapping[tuple[Place, str], Row] = MappingProxyType(
    {(row.option.place, row.key): row for row in table()}
)


@dataclass(frozen=True, kw_only=True)
class _Setting:
    """A value as it was written, and where."""

    place: Place
    key: str
    value: str
    origin: str

    def error(self, problem: str, hint: str = "") -> ConfigError:
        return ConfigError(self.text(problem), hint=hint)

    def text(self, problem: str) -> str:
        row = ROWS.get((self.place, self.key))
        is_secret = "pass" in self.key or (row is not None and row.option.parse in values.SECRET)
        value = "" if is_secret else f" = {self.value!r}"
        return f"{self.origin}: option {self.key}{value}: {problem}"


def load_config(
    file: Path = DEFAULT_FILE,
    *,
    overrides: Mapping[str, Any] = MappingProxyType({}),
    environment: Mapping[str, str] = os.environ,
) -> Config:
    """The configuration; `overrides` are attributes given on the command line."""
    chosen: dict[str, Any] = {}
    rlimits: dict[str, str] = {}
    old: dict[str, _Setting] = {}
    for setting in (*_settings_of_file(file), *_settings_of_environment(environment)):
        if setting.place is Place.KOJID and setting.key.startswith("rlimit_"):
            rlimits[_rlimit_name(setting)] = setting.value
        elif setting.place is Place.ADJUTANT and setting.key in old_names.LIMITS:
            old[setting.key] = setting
        else:
            row = _row_for(setting)
            chosen[row.attribute] = _parsed(row, setting)
    chosen.update(_parsed_overrides(overrides))
    limits = chosen.get("limits", {})
    chosen["limits"] = MappingProxyType({**_old_limits(old.values()), **limits})
    notices = tuple(one.text(old_names.notice(one.key, one.value, limits)) for one in old.values())
    for key, attribute in (("server", "server"), ("topurl", "topurls")):
        if attribute not in chosen:
            raise ConfigError(f"{file}: option {key} is missing", hint=f"set {key} in section [kojid]")
    try:
        config = Config(rlimits=MappingProxyType(rlimits), notices=notices, **chosen)
    except ValueError as error:
        raise ConfigError(f"environment: CONTAINER_HOST: {error}") from error
    if problem := mismatch(config.build_mounts, config.user_namespace):
        raise ConfigError(f"{file}: {problem.what}", hint=problem.hint)
    # A task reads it again, as mock does; what cannot be read is to be known before there is one.
    read_package_managers(config.mock_site_defaults)
    autospec_plan(config)
    token_digest(config, file)
    return config


def state_dir_of(file: Path = DEFAULT_FILE, environment: Mapping[str, str] = os.environ) -> Path:
    """The state directory that a configuration names, whatever is wrong with its other options."""
    row = ROWS[Place.ADJUTANT, "state_dir"]
    for settings in (_settings_of_environment(environment), _settings_of_file(file)):
        named = [one for one in settings if (one.place, one.key) == (row.option.place, row.key)]
        if named:
            return Path(_parsed(row, named[-1]))
    return DEFAULT_STATE_DIR


def _parsed_overrides(overrides: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in overrides.items():
        row = next(row for row in table() if row.key == key)
        if isinstance(value, str):
            setting = _Setting(place=row.option.place, key=key, value=value, origin="command line")
            yield row.attribute, _parsed(row, setting)
        else:
            yield row.attribute, value


def _settings_of_file(file: Path) -> Iterator[_Setting]:
    parser = _read(file)
    unknown = [name for name in parser.sections() if name not in {Place.KOJID, Place.ADJUTANT}]
    if unknown:
        raise ConfigError(
            f"{file}: section [{unknown[0]}] is unknown", hint="only [kojid] and [adjutant] have a meaning"
        )
    for name in parser.sections():
        for key, value in parser.items(name):
            place = Place(name)
            if place is Place.KOJID and key.startswith(KEY_PREFIX):
                place, key = Place.ADJUTANT, key.removeprefix(KEY_PREFIX)  # noqa: PLW2901
            elif place is Place.KOJID and key == "plugins":
                key = "plugin"  # noqa: PLW2901
            yield _Setting(place=place, key=key, value=value.strip(), origin=str(file))


def _read(file: Path) -> RawConfigParser:
    if not file.exists():
        raise ConfigError(f"{file}: no such file", hint="name the configuration with --config")
    try:
        return koji.read_config_files([(str(file), True)], raw=True)
    except (koji.ConfigurationError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    except ParserError as error:
        raise ConfigError(f"{file}: is not in INI format: {error}") from error


def _settings_of_environment(environment: Mapping[str, str]) -> Iterator[_Setting]:
    for name in sorted(environment):
        if name.startswith(ENVIRONMENT_PREFIX) and not name.startswith(TESTBED_PREFIX):
            key = name.removeprefix(ENVIRONMENT_PREFIX).lower()
            yield _Setting(place=Place.ADJUTANT, key=key, value=environment[name], origin="environment")


def _row_for(setting: _Setting) -> Row:
    row = ROWS.get((setting.place, setting.key))
    if row is not None:
        return row
    elsewhere = next((known for known in Place if (known, setting.key) in ROWS), None)
    if setting.key in old_names.LIMITS:
        elsewhere = Place.ADJUTANT
    if elsewhere in {Place.KOJID, Place.ADJUTANT}:
        raise setting.error(f"belongs in section [{elsewhere}]")
    raise setting.error("is unknown", "docs/configuration.md lists all options")


def _old_limits(settings: Iterable[_Setting]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for setting in settings:
        try:
            found.update(old_names.limits(setting.key, setting.value))
        except ValueError as error:
            raise setting.error(str(error)) from error
    return found


def _parsed(row: Row, setting: _Setting) -> Any:
    try:
        return row.option.parse(setting.value)
    except ValueError as error:
        raise setting.error(str(error)) from error


def _rlimit_name(setting: _Setting) -> str:
    name = setting.key.upper()
    if not hasattr(resource, name):
        raise setting.error("is not a resource limit of this system")
    try:
        limits = [int(word) for word in setting.value.split()]
    except ValueError:
        limits = []
    if len(limits) not in {1, 2}:
        raise setting.error("expected the soft limit, or the soft and the hard limit, as whole numbers")
    return name
