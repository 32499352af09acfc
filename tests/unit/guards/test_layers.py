"""Layers hand every verb of an engine on, as it is."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock, call, create_autospec

import pytest

from koji_adjutant.container import interface
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, PullPolicy
from koji_adjutant.container.programs import NullSink
from koji_adjutant.guards.layers import ContainersLayer
from koji_adjutant.guards.stack import WrappedEngine

SINK, SPEC = NullSink(), ContainerSpec(image="i", command=("c",), labels={})
CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "create": ((SPEC,), {}),
    "start": (("c",), {}),
    "start_attached": (("c", SINK, bool), {}),
    "exec": (
        ("c", ("a",), SINK),
        {"environment": {}, "user": "u", "workdir": "w", "stdin": b"i", "timeout": 1.0},
    ),
    "stream_logs": (("c", SINK), {}),
    "wait": (("c", 1.0), {}),
    "kill": (("c",), {}),
    "remove": (("c",), {}),
    "created": ((SPEC,), {}),
    "run": ((SPEC, SINK), {"timeout": 1.0}),
    "inspect": (("c",), {}),
    "find": (({"a": "b"},), {}),
    "find_unfinished": ((), {}),
    "copy_to": (("c", Path("s"), "t"), {"owner": (1, 2)}),
    "copy_from": (("c", "s", Path("t")), {"suffix": ".rpm", "limit": 1}),
    "copy_across": (("c", "d", "t"), {"limit": 1}),
    "mount_root": (("c",), {}),
    "export_root": (("c",), {}),
    "ensure_image_available": (("i", PullPolicy.NEVER), {}),
    "find_images": (({"a": "b"},), {}),
    "has_image": (("i",), {}),
    "inspect_image": (("i",), {}),
    "import_empty_image": (("i",), {}),
    "remove_image": (("i",), {}),
    "load_image": (([b"a"],), {}),
    "tag_image": (("i", "t"), {}),
    "untag_image": (("i",), {}),
    "commit": (("c", "r", {"a": "b"}), {}),
    "storage_path": ((), {}),
    "version": ((), {}),
    "seccomp_profile": ((), {}),
    "ping": ((), {}),
    "stop_starting": ((), {}),
    "observe": ((Mock(),), {}),
    "close": ((), {}),
}
QUIET = frozenset({"start", "start_attached", "stream_logs", "kill", "remove", "copy_to", "copy_across"}) | {
    "tag_image",
    "untag_image",
    "ping",
    "stop_starting",
    "observe",
    "close",
}
"""Verbs without an answer."""


def verbs() -> set[str]:
    parts = (interface.Containers, interface.ContainerFiles, interface.ImageStore, interface.Engine)
    return {name for part in parts for name in vars(part) if not name.startswith("_")}


def test_every_verb_is_tried() -> None:
    assert set(CALLS) == verbs()


@pytest.mark.parametrize("verb", CALLS)
def test_a_verb_reaches_the_engine_as_it_is(verb: str) -> None:
    engine = create_autospec(ContainerManager, instance=True)
    arguments, options = CALLS[verb]
    answer = getattr(WrappedEngine(engine, ContainersLayer(engine)), verb)(*arguments, **options)
    assert engine.mock_calls == [getattr(call, verb)(*arguments, **options)]
    assert verb in QUIET or answer is getattr(engine, verb).return_value
