import json
from dataclasses import dataclass
from types import MappingProxyType

from koji_adjutant.monitoring.answers import to_json
from koji_adjutant.monitoring.views import Outcome


@dataclass(frozen=True, kw_only=True)
class Inner:
    number: float


@dataclass(frozen=True, kw_only=True)
class Outer:
    inner: tuple[Inner, ...]
    outcome: Outcome
    more: MappingProxyType[str, object]

    @property
    def double(self) -> float:
        return 2 * self.inner[0].number


def test_a_view_is_json_with_its_properties() -> None:
    value = Outer(
        inner=(Inner(number=1.5), Inner(number=float("inf"))),
        outcome=Outcome.LOST,
        more=MappingProxyType({"text": "\ud800\n", "none": None, "yes": True}),
    )
    assert json.loads(to_json(value)) == {
        "inner": [{"number": 1.5}, {"number": None}],
        "outcome": "lost",
        "more": {"text": "\ud800\n", "none": None, "yes": True},
        "double": 3.0,
    }
