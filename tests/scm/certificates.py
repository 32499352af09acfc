"""A certificate authority of a test's own, and the certificate of a server that it vouches for."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """Files, all PEM: who wants to trust the server reads `authority`."""

    authority: Path
    certificate: Path
    key: Path


def make_certificates(directory: Path, *hosts: str) -> Certificates:
    """An authority and a server's certificate for these IP addresses."""
    directory.mkdir(parents=True, exist_ok=True)
    ca, ca_key = directory / "ca.pem", directory / "ca.key"
    own = Certificates(authority=ca, certificate=directory / "server.pem", key=directory / "server.key")
    _openssl("req", "-x509", *CURVE, "-subj", "/CN=Test authority", "-keyout", str(ca_key), "-out", str(ca))
    names = "subjectAltName=" + ",".join(f"IP:{host}" for host in hosts)
    signed = ["-CA", str(ca), "-CAkey", str(ca_key), "-addext", names, "-addext", "basicConstraints=CA:FALSE"]
    files = ["-keyout", str(own.key), "-out", str(own.certificate)]
    _openssl("req", "-x509", *CURVE, "-subj", "/CN=Test server", *signed, *files)
    return own


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
