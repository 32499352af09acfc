"""A hub that expects the calls of a recorded task, in their order, and answers as the recorded hub did.

The expectations in data/ are reduced from calls of a real kojid to a real hub: what was recorded of a task's own
process, without sign-off, file uploads and waits that came back empty.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import koji

from tests.fakes.multicall import Multicall

DATA = Path(__file__).with_name("data")
FAULTS = {
    cls.faultCode: cls for cls in (koji.GenericError, koji.ActionNotAllowed, koji.BuildError, koji.RetryError)
}


def recorded(name: str, replacements: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    text = (DATA / f"{name}.json").read_text()
    for old, new in (replacements or {}).items():
        assert old in text
        text = text.replace(old, new)
    calls: list[dict[str, Any]] = json.loads(text)
    return calls


@dataclass
class Call:
    """A name of the hub that can be called, or has more names below it."""

    session: "ReplaySession"
    name: str

    def __getattr__(self, name: str) -> "Call":
        return Call(self.session, f"{self.name}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.session.called(self.name, [*args, {**kwargs, "__starstar": True}] if kwargs else [*args])


@dataclass
class ReplaySession:
    """The task's session. `uploaded` are the files that were uploaded whole, by name."""

    expected: list[dict[str, Any]]
    position: int = 0
    uploaded: dict[str, bytes] = field(default_factory=dict)
    logs: dict[str, bytearray] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Call:
        if name.startswith("_"):
            raise AttributeError(name)
        return Call(self, name)

    def called(self, name: str, args: list[Any]) -> Any:
        """Compare with what comes next, and answer."""
        assert self.position < len(self.expected), f"{name}{args} after the last recorded call"
        call = self.expected[self.position]
        self.position += 1
        assert (name, args) == (call["call"], call["args"])
        if "fault" in call:
            code, text = call["fault"]
            raise FAULTS[code](text)
        return call.get("result")

    def uploadWrapper(  # noqa: N802 - the library's name
        self, localfile: str, path: str, name: str | None = None, **_: Any
    ) -> None:
        """A file, whole."""
        self.uploaded[name or Path(localfile).name] = Path(localfile).read_bytes()

    def with_room(self, what: str, call: Callable[[], None]) -> None:
        """The hub has room."""
        call()

    def upload_chunk(self, path: str, name: str, offset: int, data: bytes) -> None:
        """A piece of a log; its first one is an expected call."""
        if name not in self.logs:
            self.called("upload", [name])
        log = self.logs.setdefault(name, bytearray())
        log[offset:] = data

    def checkUpload(self, path: str, name: str, **_: Any) -> dict[str, Any]:  # noqa: N802
        """Size and checksum of an uploaded log."""
        log = self.logs[name]
        return {"size": len(log), "hexdigest": f"{zlib.adler32(log):08x}"}

    def multicall(self, *, strict: bool) -> Multicall:
        """Calls in one request."""
        assert strict
        return Multicall(self)

    def finished(self) -> bool:
        """Whether every recorded call has been made."""
        return self.position == len(self.expected)
