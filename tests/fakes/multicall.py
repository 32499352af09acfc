"""A multicall whose calls are made at once, on a fake session; each answer is there when the block ends."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass
class Answer:
    """What one call gave."""

    result: Any = None


@dataclass
class Multicall:
    """What `session.multicall()` gives."""

    session: Any
    waiting: list[tuple[Answer, Any]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Answer:
            answer = Answer()
            self.waiting.append((answer, lambda: getattr(self.session, name)(*args, **kwargs)))
            return answer

        return call

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            for answer, call in self.waiting:
                answer.result = call()
