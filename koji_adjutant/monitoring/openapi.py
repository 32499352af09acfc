"""The description of the API (OpenAPI 3.1), made of the endpoints' table and the classes of the views. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from koji_adjutant import __version__
from koji_adjutant.monitoring.answers import Refusal
from koji_adjutant.monitoring.endpoints import API, ENDPOINTS, EVENT_STREAM, JSON, Endpoint

OPENAPI = "3.1.0"
PATH = f"{API}/openapi.json"
_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", NoneType: "null"}
_ALWAYS = {
    400: "a parameter that makes no sense",
    401: "the token is missing or wrong",
    405: "another method than GET and HEAD",
    421: "a name of the host that is not its own",
    503: "too many who follow",
}


def description() -> dict[str, Any]:
    """The document."""
    schemas: dict[str, Any] = {}
    paths = {
        path: {
            "get": _operation(endpoint, schemas, head=False),
            "head": _operation(endpoint, schemas, head=True),
        }
        for endpoint in ENDPOINTS
        for path in [endpoint.path if endpoint.only_here else API + endpoint.path]
    }
    return {
        "openapi": OPENAPI,
        "info": {"title": "koji-adjutant status server", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{}, {"bearer": []}, {"basic": []}],
    }


def _operation(endpoint: Endpoint, schemas: dict[str, Any], *, head: bool) -> dict[str, Any]:
    return {
        "operationId": f"{endpoint.name}{'_head' if head else ''}",
        "summary": endpoint.text,
        "parameters": [
            {
                "name": parameter.name,
                "in": parameter.place,
                "required": parameter.place == "path",
                "description": parameter.text,
                "schema": parameter.schema,
            }
            for parameter in endpoint.parameters
        ],
        "responses": {str(status): one for status, one in _responses(endpoint, schemas, head=head)},
    }


def _responses(
    endpoint: Endpoint, schemas: dict[str, Any], *, head: bool
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    answer = schema_of(endpoint.answer, schemas) if endpoint.media_type == JSON else {"type": "string"}
    if endpoint.media_type == EVENT_STREAM:
        schema_of(endpoint.answer, schemas)
    good = {"description": "the answer"} if head else _response("the answer", endpoint.media_type, answer)
    yield 200, good
    if any(parameter.name == "Range" for parameter in endpoint.parameters):
        yield 206, good
    refusal = schema_of(Refusal, schemas)
    for status, text in {**_ALWAYS, **endpoint.failures}.items():
        schema = answer if status == 503 and endpoint.name == "readyz" else refusal  # noqa: PLR2004
        yield status, {"description": text} if head else _response(text, JSON, schema)


def _response(text: str, media_type: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"description": text, "content": {media_type: {"schema": schema}}}


def schema_of(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of a type; what it needs of others is put into `schemas`, by name. TypeError, for any other."""
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if kind in (object, Any):
        return {}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"type": "string", "enum": [member.value for member in kind]}
    if is_dataclass(kind) and isinstance(kind, type):
        if kind.__name__ not in schemas:
            schemas[kind.__name__] = {}
            schemas[kind.__name__].update(_object(kind, schemas))
        return {"$ref": f"#/components/schemas/{kind.__name__}"}
    return _composed(kind, schemas)


def _composed(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return {"anyOf": [schema_of(part, schemas) for part in parts]}
    if origin is tuple and parts[1:] == (...,):
        return {"type": "array", "items": schema_of(parts[0], schemas)}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": schema_of(parts[1], schemas)}
    raise TypeError(kind)


def _object(kind: type, schemas: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    types = {one.name: hints[one.name] for one in fields(kind)}
    for name, member in vars(kind).items():
        if isinstance(member, property):
            types[name] = get_type_hints(member.fget)["return"]
    return {
        "type": "object",
        "description": (kind.__doc__ or "").strip(),
        "properties": {name: schema_of(one, schemas) for name, one in types.items()},
        "required": list(types),
        "additionalProperties": False,
    }
