"""How values are written on a page: filters of the templates, each a function of one value."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

NOTHING = "–"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000
_TEN = 10


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3:07`, `1:02:09`, `2 d 3 h`."""
    if seconds is None:
        return NOTHING
    if seconds < _TEN - 0.05:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}:{whole % _MINUTE:02d}"
    if whole < _DAY:
        return f"{whole // _HOUR}:{whole % _HOUR // _MINUTE:02d}:{whole % _MINUTE:02d}"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def spoken(seconds: float | None) -> str:
    """A duration in a sentence: `12 seconds`, `3 minutes`, `2 hours`, `5 days`."""
    if seconds is None:
        return "an unknown time"
    for limit, size, word in ((_MINUTE, 1, "second"), (_HOUR, _MINUTE, "minute"), (_DAY, _HOUR, "hour")):
        if seconds < limit:
            return counted(int(seconds // size), word)
    return counted(int(seconds // _DAY), "day")


def counted(number: int, word: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def size(number: float | None) -> str:
    """`512 B`, `1.5 MB`, `12 GB`."""
    if number is None:
        return NOTHING
    for unit in _UNITS:
        if number < _STEP or unit == _UNITS[-1]:
            break
        number /= _STEP
    return f"{number:.1f} {unit}" if number < _TEN and unit != _UNITS[0] else f"{number:.0f} {unit}"


def count(number: float | None) -> str:
    """A number with thin spaces between thousands."""
    if number is None:
        return NOTHING
    return f"{number:,.0f}".replace(",", "\u202f")


def percent(share: float | None) -> str:
    """A share of one as `87 %`."""
    return NOTHING if share is None else f"{share * 100:.0f}\u00a0%"


def clock(when: float | None) -> str:
    """A time of the epoch as `14:03:22`, UTC."""
    return NOTHING if when is None else _utc(when).strftime("%H:%M:%S")


def moment(when: float | None) -> str:
    """A time of the epoch as `2026-11-29 14:03`, UTC."""
    return NOTHING if when is None else _utc(when).strftime("%Y-%m-%d %H:%M")


def date(when: float) -> str:
    """The day of a time of the epoch, UTC."""
    return _utc(when).strftime("%Y-%m-%d")


def iso(when: float) -> str:
    """A time of the epoch as machines read it."""
    return _utc(when).isoformat(timespec="seconds")


def _utc(when: float) -> datetime:
    return datetime.fromtimestamp(when, UTC)


def digest(text: str) -> str:
    """The beginning of a digest, enough to tell two apart."""
    algorithm, colon, value = text.rpartition(":")
    return f"{algorithm}{colon}{value[:12]}"


def web_address(text: str) -> str:
    """`text` when it is an address of the web, which a link may have; else nothing."""
    return text if text.startswith(("https://", "http://")) else ""


FILTERS: Mapping[str, Callable[..., str]] = {
    one.__name__: one
    for one in (duration, spoken, size, count, percent, clock, moment, date, iso, digest, web_address)
}
