"""Options of the package manager, as mock has them: its defaults, and what a site has set in site-defaults.cfg.

What decides which packages are chosen is honoured; what decides only how they are fetched has no effect; everything
else is an error, because a root would be another than the site's mock makes. Pure, but for reading the file.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.config.site_defaults import OPTIONS, SiteSetting, read_settings
from koji_adjutant.errors import ConfigError

ERASING = ("--setopt=deltarpm=False", "--setopt=allow_vendor_change=yes", "--allowerasing")
FAMILIES = {"dnf": "dnf4", "dnf4": "dnf4", "dnf5": "dnf5", "yum": "yum"}
"""The beginning of mock's option names, by mock's name of the package manager."""
DEFAULT = "dnf"
FALLBACKS: Mapping[str, tuple[str, ...]] = {
    "dnf": ("dnf5",),
    "dnf4": ("dnf5",),
    "yum": ("dnf5",),
    "dnf5": ("dnf4",),
}
"""mock's order where a host lacks the package manager and there is no bootstrap chroot."""
COMMON: Mapping[str, tuple[str, ...]] = {"dnf4": ERASING, "dnf5": ERASING, "yum": ()}
"""mock's default of `..._common_opts`; that of `..._builddep_opts` and of `..._avoid_opts` is empty."""
SUFFIXES = ("common_opts", "builddep_opts", "avoid_opts")
FLAGS: Mapping[str, tuple[str, str]] = {
    "-b": ("best", "1"),
    "--best": ("best", "1"),
    "--nobest": ("best", "0"),
}
FLAGS_OF_DNF5: Mapping[str, tuple[str, str]] = {
    "--best": ("best", "1"),
    "--no-best": ("best", "0"),
    "--nobest": ("best", "0"),
    "--skip-unavailable": ("skip_unavailable", "1"),
    "--allow-downgrade": ("allow_downgrade", "1"),
    "--no-allow-downgrade": ("allow_downgrade", "0"),
    "--allow-vendor-change": ("allow_vendor_change", "1"),
    "--no-allow-vendor-change": ("allow_vendor_change", "0"),
}
DISABLING = ("--disableplugin", "--disable-plugin")
EXCLUDING = ("-x", "--exclude", "--excludepkgs")
DECISIVE = frozenset(
    {
        "allow_vendor_change", "best", "exclude", "exclude_from_weak", "exclude_from_weak_autodetect", "excludepkgs",
        "includepkgs", "install_weak_deps", "installonly_limit", "installonlypkgs", "module_platform_id",
        "multilib_policy", "obsoletes", "strict",
    }
)  # fmt: skip
DECISIVE_FOR_DNF5 = frozenset(
    {"allow_downgrade", "optional_metadata_types", "skip_broken", "skip_unavailable"}
)
"""File lists among them: without these, dnf 5 knows no file that primary metadata does not have."""
FETCHING = frozenset(
    {
        "bandwidth", "debuglevel", "deltarpm", "deltarpm_percentage", "errorlevel", "fastestmirror", "ip_resolve",
        "keepcache", "log_compress", "logfilelevel", "max_parallel_downloads", "metadata_expire", "minrate",
        "optional_metadata_types", "retries", "sslverify", "throttle", "timeout", "user_agent", "zchunk",
    }
)  # fmt: skip
WITHOUT_EFFECT = frozenset(
    {"-q", "--quiet", "-v", "--verbose", "-y", "--assumeyes", "--refresh", "--nogpgcheck", "--no-gpgchecks"}
)
HINT = "remove the option, or build on another host"


@dataclass(frozen=True, kw_only=True)
class PackageManagerOptions:
    """What the solver is to be told: whether packages may be erased, and options by dnf's names."""

    allow_erasing: bool
    settings: tuple[tuple[str, str], ...] = ()


MOCKS_OWN = PackageManagerOptions(allow_erasing=True, settings=(("allow_vendor_change", "yes"),))
"""What dnf has from mock where a site has set nothing."""


@dataclass(frozen=True, kw_only=True)
class PackageManagers:
    """What a site says of them, or mock."""

    default: str
    """That of tags that name none."""
    options: Mapping[str, PackageManagerOptions]
    """By mock's name of the package manager."""


def read_package_managers(file: Path | None) -> PackageManagers:
    """What the file says now; ConfigError for what cannot be read or honoured. Without a file, mock's own."""
    settings = list(read_settings(file)) if file is not None and file.exists() else []
    return PackageManagers(default=_default(settings, file), options=_all_options(settings, file))


def _all_options(settings: Sequence[SiteSetting], file: Path | None) -> Mapping[str, PackageManagerOptions]:
    named: dict[str, object] = {}
    for family in COMMON:
        for suffix in SUFFIXES:
            named[f"{family}_{suffix}"] = {} if suffix == "avoid_opts" else []
        named[f"{family}_common_opts"] = list(COMMON[family])
    for setting in settings:
        name = setting.path[0] if setting.path else ""
        key = f"dnf4_{name.removeprefix('dnf_')}" if name.startswith("dnf_") else name
        if key in named:
            named[key] = _changed(named[key], setting, file)
    return {manager: _options(named, family, file) for manager, family in FAMILIES.items()}


def _default(settings: Sequence[SiteSetting], file: Path | None) -> str:
    found = DEFAULT
    for setting in settings:
        if setting.path == ("package_manager",):
            if setting.how != "=" or setting.conditional or not isinstance(setting.constant, str):
                raise _unreadable(setting, file, "to a text")
            found = setting.constant
    return found


def _changed(before: object, setting: SiteSetting, file: Path | None) -> object:
    """The option's value after one statement."""
    try:
        value = ast.literal_eval(setting.value)
    except ValueError:
        value = None
    match before, setting.how, setting.path[1:], value:
        case _ if setting.conditional:
            pass
        case list(), "=", (), list() | tuple():
            return list(value)
        case list(), "+=" | "extend", (), list() | tuple():
            return [*before, *value]
        case list(), "append", (), str():
            return [*before, value]
        case dict(), "=", (), dict():
            return dict(value)
        case dict(), "=", (command,), list() | tuple():
            return {**before, command: list(value)}
        case _:
            pass
    raise _unreadable(setting, file, "to a list of texts")


def _unreadable(setting: SiteSetting, file: Path | None, kind: str) -> ConfigError:
    return ConfigError(
        f"{file}, line {setting.line}: {setting.name}: its value cannot be read: {setting.value}",
        hint=f"mock runs the file and this program does not: set the option once, {kind}",
    )


def _options(named: Mapping[str, object], family: str, file: Path | None) -> PackageManagerOptions:
    common, more, avoided = (named[f"{family}_{suffix}"] for suffix in SUFFIXES)
    assert isinstance(common, list)
    assert isinstance(more, list)
    assert isinstance(avoided, dict)
    left_out = avoided.get("builddep", [])
    words = [word for word in common if word not in left_out] + more
    where = f"{file}: {OPTIONS}[{f'{family}_common_opts'!r}]"
    if not all(isinstance(word, str) for word in words):
        raise ConfigError(f"{where} is not a list of texts")
    return _read_words(words, where, is_dnf5=family == "dnf5")


def _read_words(words: Sequence[str], where: str, *, is_dnf5: bool) -> PackageManagerOptions:
    flags, decisive = (FLAGS_OF_DNF5, DECISIVE | DECISIVE_FOR_DNF5) if is_dnf5 else (FLAGS, DECISIVE)
    allow_erasing, settings = False, []
    for name, value in _named_values(words):
        if name == "--allowerasing":
            allow_erasing = True
        elif name in flags:
            settings.append(flags[name])
        elif name in EXCLUDING:
            settings.append(("excludepkgs", value))
        elif name == "--setopt":
            key, _, text = value.partition("=")
            if key in decisive:
                settings.append((key, text))
            elif key.rpartition(".")[2] not in FETCHING:
                raise ConfigError(f"{where}: --setopt={value} cannot be honoured", hint=HINT)
        elif name not in WITHOUT_EFFECT and name not in DISABLING:
            raise ConfigError(f"{where}: {name} cannot be honoured", hint=HINT)
    return PackageManagerOptions(allow_erasing=allow_erasing, settings=tuple(settings))


def _named_values(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value, which may be a word of its own."""
    rest = iter(words)
    for word in rest:
        name, sign, value = word.partition("=")
        if not sign and name in {"--setopt", *DISABLING, *EXCLUDING}:
            value = next(rest, "")
        yield name, value
