"""XML-RPC as Koji writes it: requests parsed, answers and faults encoded. Pure functions."""

import traceback
import xmlrpc.client
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import koji
from koji import xmlrpcplus

# The library that speaks here is the one whose hub this stands for.
KOJI_VERSION = version("koji")


class BadRequest(Exception):
    """What came is no call; answered as HTTP 400."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A call as it was sent."""

    method: str
    params: tuple[Any, ...]


def parse(body: bytes) -> Request:
    if not body:
        raise BadRequest("Invalid request: Empty request")
    parser, unmarshaller = xmlrpc.client.getparser()
    try:
        parser.feed(body)
        parser.close()
        params, method = unmarshaller.close(), unmarshaller.getmethodname()
    except Exception as error:  # the parser raises what it likes: expat's errors, ValueError, Fault
        raise BadRequest(f"Invalid request: {error}") from error
    if method is None:
        raise BadRequest("Invalid request: no method name")
    return Request(method=method, params=tuple(params))


def encode_result(result: Any) -> bytes:
    return xmlrpcplus.dumps((result,), methodresponse=True).encode()


def encode_fault(error: BaseException) -> bytes:
    if isinstance(error, xmlrpc.client.Fault):
        return xmlrpcplus.dumps(error).encode()
    return xmlrpcplus.dumps(xmlrpc.client.Fault(fault_code(error), fault_text(error))).encode()


def fault_code(error: BaseException) -> int:
    """Koji's own code of Koji's own exceptions, else 1."""
    return int(getattr(error, "faultCode", 1))


def fault_text(error: BaseException) -> str:
    if isinstance(error, koji.GenericError):
        return str(error)
    return f"{type(error)}: {error}"


def fault_entry(error: BaseException) -> dict[str, Any]:
    """A fault as a multicall's result carries it."""
    if isinstance(error, xmlrpc.client.Fault):
        return {"faultCode": error.faultCode, "faultString": error.faultString}
    return {
        "faultCode": fault_code(error),
        "faultString": ", ".join(str(argument) for argument in error.args),
        "traceback": traceback.format_exception(error),
    }
