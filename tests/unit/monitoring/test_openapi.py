import json
from collections.abc import Iterator
from typing import Any

import pytest

from koji_adjutant.monitoring import openapi
from koji_adjutant.monitoring.answers import names_of
from koji_adjutant.monitoring.endpoints import ENDPOINTS
from koji_adjutant.monitoring.views import HostView, TaskView


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from references(one)


def test_every_endpoint_is_described() -> None:
    described = openapi.description()
    assert len(described["paths"]) == len(ENDPOINTS)
    assert json.loads(json.dumps(described, default=dict))["openapi"] == "3.1.0"


def test_every_schema_that_is_named_is_there() -> None:
    described = openapi.description()
    schemas = described["components"]["schemas"]
    assert {reference.rpartition("/")[2] for reference in references(described)} <= schemas.keys()
    assert "EventView" in schemas


@pytest.mark.parametrize("kind", [HostView, TaskView])
def test_a_schema_has_what_a_view_has(kind: type) -> None:
    schemas: dict[str, Any] = {}
    openapi.schema_of(kind, schemas)
    assert tuple(schemas[kind.__name__]["properties"]) == names_of(kind)


def test_a_type_that_json_has_no_word_for_is_an_error() -> None:
    with pytest.raises(TypeError):
        openapi.schema_of(set[int], {})
