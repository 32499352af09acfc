"""Whether and how rpmautospec works a checkout's history into its spec file: as mock's plugin of that name is set up.

`[adjutant] rpmautospec` decides; where it says `auto`, site-defaults.cfg does, which mock has its plugin from. By which
command, and which packages have that, is read there in any case. Pure, but for reading the file.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.config import values as read
from koji_adjutant.config.options import Config
from koji_adjutant.config.site_defaults import SiteSetting, read_settings
from koji_adjutant.errors import ConfigError

SECTION = "plugin_conf"
ENABLE, OPTIONS = "rpmautospec_enable", "rpmautospec_opts"
REQUIRES, COMMAND = "requires", "cmd_base"
MOCKS: Mapping[str, tuple[str, ...]] = {
    REQUIRES: ("rpmautospec",),
    COMMAND: ("/usr/bin/rpmautospec", "process-distgit"),
}
"""mock's defaults; it has the plugin switched off."""
NO_PACKAGE = re.compile(r"[@-]|.*([*?\[\]\s]|://)", re.ASCII)
"""What dnf would install by another way than by name, capability or file."""


@dataclass(frozen=True, kw_only=True)
class AutospecPlan:
    """What a buildroot gets for it, and what is run there, on two paths: the spec file's, and where to write it."""

    requires: tuple[str, ...]
    command: tuple[str, ...]


def autospec_plan(config: Config) -> AutospecPlan | None:
    """None where history is not worked in. ConfigError for what a site has set that cannot be honoured."""
    if config.rpmautospec is False:
        return None
    file = config.mock_site_defaults
    settings = list(read_settings(file)) if file is not None and file.exists() else []
    if config.rpmautospec == read.AUTO and not _is_enabled(settings, file):
        return None
    return _plan(settings, file)


def _is_enabled(settings: Iterable[SiteSetting], file: Path | None) -> bool:
    enabled = False
    for setting in settings:
        if setting.path == (SECTION, ENABLE):
            enabled = bool(_value(setting, file))
    return enabled


def _plan(settings: Iterable[SiteSetting], file: Path | None) -> AutospecPlan:
    named = dict(MOCKS)
    for setting in settings:
        name = setting.path[-1] if setting.path else ""
        if setting.path == (SECTION, OPTIONS, name) and name in named:
            named[name] = _words(setting, file)
    return AutospecPlan(requires=named[REQUIRES], command=named[COMMAND])


def _value(setting: SiteSetting, file: Path | None) -> object:
    value = setting.constant
    if setting.conditional or setting.how not in {"=", "update"} or value is None:
        raise ConfigError(
            f"{file}, line {setting.line}: {setting.name}: its value cannot be read: {setting.value}",
            hint="mock runs the file and this program does not: set it once, to a constant; "
            "or set rpmautospec in [adjutant]",
        )
    return value


def _words(setting: SiteSetting, file: Path | None) -> tuple[str, ...]:
    value, name = _value(setting, file), setting.path[-1]
    given = list(value) if isinstance(value, list | tuple) else []
    words = tuple(word for word in given if isinstance(word, str) and word)
    where = f"{file}, line {setting.line}: {setting.name}"
    if not isinstance(value, list | tuple) or len(words) < len(given) or (name == COMMAND and not words):
        raise ConfigError(f"{where} is not a list of texts")
    for word in words if name == REQUIRES else ():
        if NO_PACKAGE.match(word):
            raise ConfigError(
                f"{where}: {word!r} cannot be honoured", hint="name the package, or a file of it"
            )
    return words
