"""What the login is made with, and until when it is good.

Files of this host are read, and nobody is asked. A ticket counts only where nothing renews it: with a keytab, an
expired one is replaced.
"""

import importlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import koji

from koji_adjutant.config import Config
from koji_adjutant.errors import ConfigError, Problem
from koji_adjutant.host.certificates import read_certificates
from koji_adjutant.host.https import system_authorities
from koji_adjutant.hub.login import has_certificate, is_kerberos
from koji_adjutant.journal.public import CredentialFacts


def session_options(config: Config) -> dict[str, Any]:
    """What the library takes of the configuration; where that names no authorities, the system's."""
    options: dict[str, Any] = cast("Any", koji.grab_session_options)(config)
    if not (config.serverca or config.no_ssl_verify) and (trusted := system_authorities()):
        options["serverca"] = trusted
    return options


def credentials(config: Config) -> Iterator[CredentialFacts]:
    """All that the login needs, and its end where that is known."""
    if config.serverca and not config.no_ssl_verify:
        yield CredentialFacts(kind="ca", expires=_known(ca_end, config))
    if has_certificate(config):
        yield CredentialFacts(kind="certificate", expires=_known(certificate_end, config))
    elif config.user:
        yield CredentialFacts(kind="password")
    elif os.access(config.keytab, os.R_OK):
        yield CredentialFacts(kind="keytab")
    else:
        yield CredentialFacts(kind="ccache", expires=_known(ticket_end, config))


def _known(end: Any, config: Config) -> float | None:
    try:
        found: float | None = end(config)
    except (ConfigError, OSError):
        return None
    return found


def certificate_end(config: Config) -> float:
    """When the certificate of the login ends, as a time of day. ConfigError, OSError."""
    return min(_ends(Path(str(config.cert)), "cert"))


def ca_end(config: Config) -> float | None:
    """When the last of the certificates that the hub's is checked with ends; None of a directory of them.

    A file has an old and a new one for as long as the hub may have either.
    """
    file = Path(str(config.serverca))
    return None if file.is_dir() else max(_ends(file, "serverca"))


def _ends(file: Path, option: str) -> list[float]:
    try:
        found = [one.not_after for one in read_certificates(file)]
    except ValueError as error:
        raise ConfigError(f"{option} {file}: {error}", hint=f"check the file, or set {option}") from error
    if not found:
        raise ConfigError(f"{option} {file} has no certificate", hint=f"check the file, or set {option}")
    return found


def ticket_end(config: Config) -> float | None:
    """When the ticket in `ccache` ends; None when there is none, or no Kerberos here."""
    if not is_kerberos(config) or not Path(config.ccache).exists():
        return None
    gssapi = _gssapi()
    try:
        found = gssapi.Credentials(usage="initiate", store={"ccache": config.ccache}).lifetime
    except gssapi.exceptions.ExpiredCredentialsError:
        return 0.0
    except gssapi.exceptions.GSSError:
        return None
    return time.time() + float(found or 0.0)


def _gssapi() -> Any:
    try:
        return importlib.import_module("gssapi")
    except ImportError as error:
        hint = "install python3-gssapi and requests-gssapi, or set cert, or user and password"
        raise ConfigError(
            f"the login is by Kerberos, and this Python has no gssapi: {error}", hint=hint
        ) from None


def keytab_problem(config: Config, principal: str) -> Problem | None:
    """Why the keytab is of no use for `principal`; None when it has a key of it."""
    gssapi = _gssapi()
    try:
        name = gssapi.Name(principal, gssapi.NameType.user)
        gssapi.Credentials(name=name, usage="accept", store={"keytab": config.keytab})
    except gssapi.exceptions.GSSError as error:
        said = "; ".join(error.get_all_statuses(error.min_code, False)) if error.min_code else str(error)
        return Problem(
            f"keytab {config.keytab} has no key of {principal}: {said}",
            "have it made anew (kadmin ktadd), or set krb_principal",
        )
    return None
