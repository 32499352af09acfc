"""What an option is: how its value is read, where it may be written, what it is for. Pure.

The functions make fields of a dataclass of options (`koji_adjutant.config.options`), with this in their metadata.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from koji_adjutant.config import values as read

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Place(StrEnum):
    """Where an option may be written."""

    KOJID = "kojid"
    ADJUTANT = "adjutant"
    COMMAND_LINE = "command line"


@dataclass(frozen=True, kw_only=True)
class Option:
    """What is known of an option, beside its name and default."""

    doc: str
    parse: read.Parser
    place: Place
    key: str = ""
    """Its name in the file, where that is not the attribute's."""
    default_text: str | None = None
    has_effect: bool = True
    required: bool = False


def _option(default: Any, option: Option) -> Any:
    shown = option.parse not in read.SECRET
    if option.required:
        return field(metadata={"option": option}, repr=shown)
    if callable(default):
        return field(default_factory=default, metadata={"option": option}, repr=shown)
    return field(default=default, metadata={"option": option}, repr=shown)


def required(parse: read.Parser, doc: str, key: str = "", *, shown: str) -> Any:
    """An option of kojid that every configuration has."""
    return _option(
        None, Option(doc=doc, parse=parse, place=Place.KOJID, key=key, default_text=shown, required=True)
    )


def kojid(default: Any, parse: read.Parser, doc: str, key: str = "", *, shown: str | None = None) -> Any:
    """An option of kojid."""
    return _option(default, Option(doc=doc, parse=parse, place=Place.KOJID, key=key, default_text=shown))


def switch(doc: str, *, on: bool, place: Place = Place.KOJID) -> Any:
    """An option that is yes or no."""
    return _option(on, Option(doc=doc, parse=read.truth, place=place))


def ignored(default: Any, parse: read.Parser, why: str) -> Any:
    """An option of kojid that changes nothing here; `why` says so."""
    return _option(default, Option(doc=why, parse=parse, place=Place.KOJID, has_effect=False))


def adjutant(default: Any, parse: read.Parser, doc: str, *, shown: str | None = None) -> Any:
    """An option of ours."""
    return _option(default, Option(doc=doc, parse=parse, place=Place.ADJUTANT, default_text=shown))
