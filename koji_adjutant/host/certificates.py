"""X.509 certificates in PEM files: until when they are valid, and for whom. Pure, but for the reading.

Of a certificate only its frame is read (DER, as RFC 5280 has it); whether anybody trusts it is not decided here.
Python's library shows these of a peer alone.
"""

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _SET, _OBJECT, _UTC_TIME, _EXPLICIT_VERSION = 0x30, 0x31, 0x06, 0x17, 0xA0
_COMMON_NAME = bytes((0x55, 0x04, 0x03))
_LONG = 0x80
_WIDE = 0x1E
"""The tag of text in UTF-16."""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """`subject` is the common name, by which a hub knows users; empty where there is none.

    Times are seconds since the epoch.
    """

    subject: str
    not_before: float
    not_after: float


def read_certificates(file: Path) -> tuple[Certificate, ...]:
    """All certificates of a file, in its order. OSError; ValueError when one cannot be read."""
    blocks = _BLOCK.findall(file.read_bytes())
    try:
        found = [_certificate(ssl.PEM_cert_to_DER_cert(block.decode("ascii"))) for block in blocks]
    except (IndexError, StopIteration) as error:
        raise ValueError(f"{file}: a certificate is cut short") from error
    return tuple(found)


def _certificate(der: bytes) -> Certificate:
    outer = _content(der, _SEQUENCE)
    fields = list(_parts(_content(outer, _SEQUENCE)))
    if fields[0][0] == _EXPLICIT_VERSION:
        fields = fields[1:]
    # serial number, algorithm, issuer, validity, subject
    begin, end = _parts(fields[3][1])
    return Certificate(
        subject=_common_name(fields[4][1]), not_before=_moment(*begin), not_after=_moment(*end)
    )


def _content(data: bytes, tag: int) -> bytes:
    found, content = next(_parts(data))
    if found != tag:
        raise ValueError(f"expected a part {tag:#x} of a certificate, not {found:#x}")
    return content


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of what stands in `data`, one after the other."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & _LONG:
            size = length & ~_LONG
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        yield tag, data[at : at + length]
        at += length


def _common_name(subject: bytes) -> str:
    for tag, names in _parts(subject):
        if tag != _SET:
            continue
        for _, pair in _parts(names):
            (kind, oid), (text_tag, text) = list(_parts(pair))[:2]
            if kind == _OBJECT and oid == _COMMON_NAME:
                return text.decode("utf-16-be" if text_tag == _WIDE else "utf-8", "replace")
    return ""


def _moment(tag: int, text: bytes) -> float:
    layout = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text.decode("ascii"), layout).replace(tzinfo=UTC).timestamp()
