"""Plays a recorded builder session (data/hub-traces.json) against a hub: same calls, same result shapes.

The recording is of a real builder on a real hub. Ids in it are placeholders (`$task:28`), learned from the
answers of the hub that is asked now; files are cut to a few bytes, package lists to one package. A `Replay`
lives for one trace.
"""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from xmlrpc.client import Fault

import koji

if TYPE_CHECKING:
    from collections.abc import Mapping

# koji.ClientSession, untyped because calls are made by name.
Session: TypeAlias = Any

RECORDED: dict[str, Any] = json.loads(
    Path(__file__).with_name("data").joinpath("hub-traces.json").read_text()
)
PLACEHOLDER = re.compile(r"\$(?!path)(\w+):(\d+)\Z")
UPLOAD_PATH = re.compile(r"\$path:(\d+)")
SIZED = re.compile(r"(?:list|dict|tuple)\(\d+\)\Z")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?\+00:00\Z")
# Whether these are there or null depends on how far the other tasks are, which is not what is replayed.
TIMED = {"alert", "waiting", "awaited", "start_time", "start_ts", "completion_time", "completion_ts"}

PACKAGE = {
    "name": "bash",
    "version": "5.2",
    "release": "1",
    "epoch": None,
    "arch": "x86_64",
    "size": 1,
    "buildtime": 1700000000,
    "payloadhash": "a756645fd92b7909d1533f4d55ffad87",
}


def differences(recorded: Any, got: Any, where: str = "") -> list[str]:
    """How the answer's shape differs from the recorded one; numbers of entries do not count."""
    if isinstance(recorded, dict) and isinstance(got, dict):
        return _dict_differences(recorded, got, where)
    if isinstance(recorded, list) and isinstance(got, list):
        return [line for entry in got[:1] for line in differences(recorded[1], entry, f"{where}[]")]
    return [] if _is_kind(recorded, got) else [f"{where}: {recorded} recorded, {got!r} now"]


def _is_kind(recorded: Any, got: Any) -> bool:
    """Whether the value is of the recorded kind, where that is one word."""
    if not isinstance(recorded, str):
        return recorded is None and got is None
    if SIZED.match(recorded):
        return isinstance(got, dict if recorded.startswith("dict") else list)
    if recorded == "datetime":
        return isinstance(got, str) and MOMENT.match(got) is not None
    return type(got).__name__ == ("str" if recorded == "KEY" else recorded)


def _dict_differences(recorded: dict[str, Any], got: dict[str, Any], where: str) -> list[str]:
    lines = [f"{where}.{key}: missing" for key in recorded.keys() - got.keys() - TIMED]
    lines += [f"{where}.{key}: not recorded" for key in got.keys() - recorded.keys() - TIMED]
    for key in recorded.keys() & got.keys():
        if key not in TIMED:
            lines += differences(recorded[key], got[key], f"{where}.{key}")
    return lines


@dataclass(kw_only=True)
class Replay:
    """One trace on one hub. `ids` begins with what the hub has before: tags, the user, the repo."""

    admin: Session
    main: Session
    trace: Mapping[str, Any]
    ids: dict[str, Any]
    files: Mapping[str, bytes]
    children: dict[int, Session] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def run(self) -> list[str]:
        """Every difference to the recording."""
        with ExitStack() as undo:
            undo.callback(self._forget_children)
            self._play()
        return self.problems

    def _forget_children(self) -> None:
        for child in self.children.values():
            child._forget()

    def _play(self) -> None:
        for number, step in enumerate(self.trace["steps"]):
            where = f"{number} {step['call']}"
            try:
                result = self._call(step)
            except (koji.GenericError, Fault) as error:
                if getattr(error, "faultCode", None) != step.get("fault"):
                    self.problems.append(f"{where}: {type(error).__name__}: {error}")
                continue
            if "fault" in step:
                self.problems.append(f"{where}: fault {step['fault']} recorded, {result!r} now")
                continue
            self._learn(step, result)
            self.problems += differences(RECORDED["shapes"][step["shape"]], result, where)

    def _call(self, step: Mapping[str, Any]) -> Any:
        args = [self._known(value) for value in step["args"]]
        if step["call"] == "subsession":
            child = self.main.subsession()
            self.children[step["task"]] = child
            return child.sinfo
        session = self._session(step)
        if step["call"] == "upload":
            path, name, length = args
            data = self.files.get(name, b"x" * length)
            return session.callMethod("rawUpload", data, 0, path, name, overwrite=True)
        if step["call"] == "logout":
            return session.logout()
        return session.callMethod(step["call"], *args)

    def _session(self, step: Mapping[str, Any]) -> Session:
        if step["role"] == "user":
            return self.admin
        return self.main if step["role"] == "main" else self.children[step["task"]]

    def _learn(self, step: Mapping[str, Any], result: Any) -> None:
        learned = step.get("learn")
        if isinstance(learned, list):
            self.ids.update(zip(learned, result, strict=True))
        elif learned is not None:
            self.ids[learned] = result["session-id"] if isinstance(result, dict) else result

    def _known(self, value: Any) -> Any:
        """The recorded value with this hub's ids."""
        if isinstance(value, list):
            return [self._known(entry) for entry in value]
        if isinstance(value, dict):
            return {self._known(key): self._known(entry) for key, entry in value.items()}
        if not isinstance(value, str):
            return value
        if value == "$packages":
            return [PACKAGE | self.ids["external"]]
        if PLACEHOLDER.match(value):
            return self._id(value)
        return UPLOAD_PATH.sub(lambda match: koji.pathinfo.taskrelpath(self._id(f"$task:{match[1]}")), value)

    def _id(self, placeholder: str) -> Any:
        if placeholder not in self.ids:
            kind, number = placeholder[1:].split(":")
            if kind == "event":
                return self.admin.getLastEvent()["id"]
            if kind != "task":
                raise KeyError(f"nothing gave {placeholder}")
            self.ids[placeholder] = self._make_task(number)
        return self.ids[placeholder]

    def _make_task(self, number: str) -> int:
        """The task that a user had made, assigned to this builder."""
        made = self.trace["tasks"].get(number, {"method": "sleep", "arglist": [1]})
        arch, channel = made.get("arch", "noarch"), made.get("channel", "default")
        task_id: int = self.admin.makeTask(made["method"], made["arglist"], arch=arch, channel=channel)
        self.admin.assignTask(task_id, "builder1")
        return task_id
