"""Reading the value of an option: a function for each kind of value, from text to what the program uses.

All are pure. ValueError says in its message what a good value looks like; `koji_adjutant.config.load` adds
file, option and value.
"""

import logging
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from koji_adjutant.container.interface import IdMap, PullPolicy, Timeouts, VolumeMount
from koji_adjutant.container.labels import PREFIX
from koji_adjutant.policy.methods import IN_CONTAINERS

Parser = Callable[[str], Any]

USER_NAMESPACES = "user_namespaces"
PRIVILEGES = (USER_NAMESPACES,)
"""What a build tag may ask for beyond what builds may do."""

AUTO = "auto"
"""What this host has."""

LEAST_IDS, MOST_IDS = 65536, 2**32 - 1
"""Of a user namespace: fewer would not do for a distribution's users."""

_TRUE = frozenset({"1", "yes", "true", "on"})
_FALSE = frozenset({"0", "no", "false", "off"})
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LEAST_MEMORY, _LEAST_CPUS = 32 << 20, 0.01
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MACRO = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\([^)]*\))?")
_AROUND_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(:.+)?")


class SmtpTls(StrEnum):
    """How the connection to the mail server is encrypted."""

    NO = "no"
    STARTTLS = "starttls"
    TLS = "tls"


def text(value: str) -> str:
    """Any text."""
    return value


def secret(value: str) -> str:
    """Any text, which is shown nowhere."""
    return value


def whole(value: str) -> int:
    """A whole number."""
    try:
        return int(value)
    except ValueError:
        raise ValueError("expected a whole number") from None


def positive(value: str) -> float:
    """A number above zero."""
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ValueError("expected a number above zero")
    return number


def truth(value: str) -> bool:
    """Yes or no, in the spellings of configparser."""
    word = value.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("expected yes or no (true, false, on, off, 1, 0)")
    return word in _TRUE


def auto_or_truth(value: str) -> str | bool:
    """auto, or yes or no."""
    return AUTO if value.lower() == AUTO else truth(value)


def words(value: str) -> tuple[str, ...]:
    """Words separated by white space."""
    return tuple(value.split())


def url(value: str) -> str:
    """An http or https URL; IPv6 literals stand in brackets."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("expected a URL such as https://hub.example.com/kojihub")
    return value


def urls(value: str) -> tuple[str, ...]:
    """One or more URLs; a slash at the end is dropped."""
    found = tuple(url(word).rstrip("/") for word in value.split())
    if not found:
        raise ValueError("expected one or more URLs")
    return found


def log_level(value: str) -> int:
    """A level of the logging module, by name."""
    level = logging.getLevelNamesMapping().get(value.upper())
    if level is None:
        raise ValueError("expected DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return level


def absolute_path(value: str) -> Path:
    """An absolute path."""
    path = Path(value)
    if not path.is_absolute():
        raise ValueError("expected an absolute path")
    return path


def optional_path(value: str) -> Path | None:
    """An absolute path, or nothing."""
    return absolute_path(value) if value else None


def socket_path(value: str) -> Path:
    """The path of a unix socket, also as a unix:// URL."""
    if "://" in value and not value.startswith("unix://"):
        raise ValueError("expected a unix socket: an absolute path or unix:///path")
    return absolute_path(value.removeprefix("unix://"))


def pull_policy(value: str) -> PullPolicy:
    """One of podman's pull policies; Kubernetes' word for missing is accepted."""
    word = value.lower()
    try:
        return PullPolicy.MISSING if word == "if-not-present" else PullPolicy(word)
    except ValueError:
        raise ValueError("expected always, missing, newer or never") from None


def smtp_tls(value: str) -> SmtpTls:
    """Whether mail is sent with TLS."""
    try:
        return SmtpTls(value.lower())
    except ValueError:
        raise ValueError(f"expected one of {', '.join(SmtpTls)}") from None


def user_namespace(value: str) -> str | IdMap:
    """auto, yes, no, or the first host id and the number of ids of a map."""
    word = value.lower()
    if word in {"auto", "yes", "no"}:
        return word
    match = re.fullmatch(r"(\d+):(\d+)", value, re.ASCII)
    if not match or int(match[2]) < LEAST_IDS or int(match[1]) + int(match[2]) > MOST_IDS:
        raise ValueError(f"expected auto, yes, no, or FIRST:SIZE with a size of {LEAST_IDS} or more")
    return IdMap(first=int(match[1]), size=int(match[2]))


def privileges(value: str) -> frozenset[str]:
    """Names of privileges of builds."""
    found = frozenset(value.split())
    if unknown := sorted(found.difference(PRIVILEGES)):
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(PRIVILEGES)}")
    return found


def size(value: str) -> int:
    """A number of bytes; k, M, G and T are powers of 1024, with or without iB or B."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", value.strip().lower())
    if not match or not float(match[1]):
        raise ValueError("expected a size such as 4G, 512MiB or 1000000")
    return int(float(match[1]) * _UNITS[match[2]])


def duration(value: str) -> float:
    """Seconds; m, h, d and w are minutes, hours, days and weeks."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw]?)", value.strip().lower())
    if not match or not float(match[1]):
        raise ValueError("expected a time such as 14d, 12h or 90m")
    return float(match[1]) * _SECONDS[match[2]]


def limits(value: str) -> Mapping[str, float | None]:
    """Limits of a task's containers, e.g. memory=16G cpus=4 build_disk=40G buildArch.memory = 8G.

    A key with the name of a method is for tasks of that method alone. `none` stands for no limit. Only what is written
    is in the answer.
    """
    words = _AROUND_EQUALS.sub("=", value)
    return MappingProxyType({key: _limit_of(key, content) for key, content in pairs(words).items()})


def _limit_of(key: str, content: str) -> float | None:
    method, dot, name = key.rpartition(".")
    if dot and method not in IN_CONTAINERS:
        raise ValueError(f"{key}: limits are for {', '.join(IN_CONTAINERS)}, not for {method!r}")
    return limit(name, content)


def limit(name: str, content: str) -> float | None:
    """One limit of that name."""
    if name not in LIMITS:
        raise ValueError(f"expected limits of {', '.join(LIMITS)}, not of {name!r}")
    if content.lower() == "none":
        return None
    try:
        return LIMITS[name](content)
    except ValueError as error:
        raise ValueError(f"{name}={content}: {error}") from error


def count(value: str) -> int:
    """A whole number above zero."""
    number = whole(value)
    if number < 1:
        raise ValueError("expected a whole number above zero")
    return number


def memory(value: str) -> int:
    """A size in which a container can start."""
    number = size(value)
    if number < _LEAST_MEMORY:
        raise ValueError("expected 32M or more: a container does not start with less")
    return number


def cpus(value: str) -> float:
    """A number of processors, as fine as the scheduler takes it."""
    number = positive(value)
    if number < _LEAST_CPUS:
        raise ValueError("expected 0.01 or more")
    return number


LIMITS: Mapping[str, Callable[[str], float]] = MappingProxyType(
    {"memory": memory, "cpus": cpus, "pids": count, "build_disk": size, "build_inodes": count}
)
"""What of a task can be limited, and how a limit is written."""


def pairs(value: str) -> Mapping[str, str]:
    """Words of the form name=value."""
    found = {}
    for word in value.replace(",", " ").split():
        name, equals, content = word.partition("=")
        if not name or not equals:
            raise ValueError(f"expected words of the form name=value, not {word!r}")
        found[name] = content
    return MappingProxyType(found)


def labels(value: str) -> Mapping[str, str]:
    """Labels of the operator; ours cannot be set."""
    found = pairs(value)
    for name in found:
        if name.startswith(PREFIX):
            raise ValueError(f"labels that begin with {PREFIX} belong to koji-adjutant")
    return found


def timeouts(value: str) -> Timeouts:
    """Seconds for requests to the engine, e.g. pull=1800 start=60."""
    known = Timeouts.__dataclass_fields__
    found: dict[str, float] = {}
    for name, content in pairs(value).items():
        try:
            seconds = float(content)
        except ValueError:
            seconds = 0.0
        if name not in known or not seconds > 0:
            raise ValueError(f"expected seconds for {', '.join(known)}, e.g. pull=1800 start=60")
        found[name] = seconds
    return Timeouts(**found)


def mounts(value: str) -> tuple[VolumeMount, ...]:
    """Words of the form source:target[:option,...], read-only unless rw is among the options."""
    return tuple(mount(word) for word in value.split())


def mount(word: str) -> VolumeMount:
    """One of them."""
    source, _, rest = word.partition(":")
    target, _, options = rest.partition(":")
    if not (source.startswith("/") and target.startswith("/")):
        raise ValueError(f"expected source:target[:options] with absolute paths, not {word!r}")
    chosen = [option for option in options.split(",") if option]
    relabel = {"z", "Z"} & set(chosen)
    if relabel:
        raise ValueError(f"option {relabel.pop()} would relabel {source}; label it once on the host instead")
    further = tuple(option for option in chosen if option not in {"ro", "rw"})
    return VolumeMount(
        source=source, target=target, read_only="rw" not in chosen, options=further or ("rbind",)
    )


def settings(value: str) -> Mapping[str, str]:
    """Settings of a build's environment, one a line: NAME=value."""
    found = {}
    for line in filter(None, map(str.strip, value.splitlines())):
        name, equals, content = line.partition("=")
        if not equals or not _VARIABLE.fullmatch(name.strip()):
            raise ValueError(f"expected lines of the form NAME=value, not {line!r}")
        found[name.strip()] = content.strip()
    return MappingProxyType(found)


def secret_settings(value: str) -> Mapping[str, str]:
    """Such settings, which are shown nowhere."""
    try:
        return settings(value)
    except ValueError:
        raise ValueError("expected lines of the form NAME=value") from None


SECRET: frozenset[Parser] = frozenset({secret, secret_settings})
"""What of values is shown nowhere."""


def macros(value: str) -> Mapping[str, str]:
    """Macros as .rpmmacros has them, one a line: %name value. The percent sign may be left out."""
    found = {}
    for line in filter(None, map(str.strip, value.splitlines())):
        name, *content = line.split(maxsplit=1)
        name = name.removeprefix("%")
        if not content or not _MACRO.fullmatch(name):
            raise ValueError(f"expected lines of the form %name value, not {line!r}")
        found[f"%{name}"] = content[0]
    return MappingProxyType(found)


def path_map(value: str) -> tuple[tuple[str, str], ...]:
    """Words of the form ours:engine, two absolute paths of the same directory."""
    found = []
    for word in value.split():
        ours, _, engine = word.partition(":")
        if not (ours.startswith("/") and engine.startswith("/")):
            raise ValueError(f"expected words of the form /our/path:/path/of/the/engine, not {word!r}")
        found.append((ours.rstrip("/") or "/", engine.rstrip("/") or "/"))
    return tuple(found)


def network(value: str) -> str:
    """bridge, pasta, slirp4netns, host, or the name of a network of the engine."""
    if not _NETWORK.fullmatch(value):
        raise ValueError("expected bridge, pasta, slirp4netns, host, or the name of a network of the engine")
    return value
