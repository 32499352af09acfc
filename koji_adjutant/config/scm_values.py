"""Values of the options of builds from source control, read as `koji_adjutant.config.values` reads the others. Pure."""

from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.config import values
from koji_adjutant.container.interface import VolumeMount


@dataclass(frozen=True, kw_only=True)
class LowSpeed:
    """A transfer that has moved fewer `bytes` a second for `seconds` has failed."""

    bytes: int
    seconds: float


def low_speed(value: str) -> LowSpeed | None:
    """Bytes a second and a time, e.g. 1k/10m; none stands for no limit."""
    if value.lower() == "none":
        return None
    rate, slash, time = value.partition("/")
    try:
        return LowSpeed(bytes=values.size(rate), seconds=values.duration(time if slash else ""))
    except ValueError:
        raise ValueError("expected bytes a second/time, such as 1k/10m, or none") from None


def user_path(value: str) -> Path:
    """An absolute path, or one that begins with ~, the home of the daemon's user. It is kept as it is written."""
    if not value.startswith(("/", "~/")):
        raise ValueError("expected an absolute path, or one that begins with ~/")
    return Path(value)


def optional_user_path(value: str) -> Path | None:
    """Such a path, or nothing."""
    return user_path(value) if value else None


def user_paths(value: str) -> tuple[Path, ...]:
    """Such paths, separated by white space."""
    return tuple(user_path(word) for word in value.split())


def auto_or_path(value: str) -> str | Path | None:
    """auto, such a path, or nothing."""
    return values.AUTO if value == values.AUTO else optional_user_path(value)


def auto_or_mounts(value: str) -> str | tuple[VolumeMount, ...]:
    """auto, or such words, or nothing."""
    return values.AUTO if value == values.AUTO else values.mounts(value)


def size_or_none(value: str) -> int:
    """A size; 0 for none."""
    return 0 if value.strip().lower() in {"none", "0"} else values.size(value)
