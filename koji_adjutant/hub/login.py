"""Why a login failed, in one line that says what to do.

The library makes a text of several lines of whatever it was, and where Kerberos fails on this host all that it has is
the hub's 401: so the error itself is kept (`HubSession.last_login_error`), and Kerberos is asked again. What may be
different the next time without a change is LoginFailed, what the hub refuses LoginRefused, what is wrong here
ConfigError.
"""

import importlib
import os
import re
import ssl
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import koji
import requests

from koji_adjutant.config import Config
from koji_adjutant.errors import AdjutantError, ConfigError, LoginFailed, LoginRefused
from koji_adjutant.hub.outage import innermost, lines_joined

_KRB5 = 2529638912
"""Where the error codes of Kerberos begin, as GSSAPI has them: without a sign."""
_UNKNOWN_PRINCIPAL, _UNKNOWN_SERVICE, _WRONG_KEY, _EXPIRED, _SKEW, _NO_KDC = 6, 7, 24, 32, 37, 156
_UNDECIPHERED, _NO_CACHE = 31, 195
_PASSING = frozenset({_SKEW, _NO_KDC})
_HINTS = {
    _UNKNOWN_PRINCIPAL: "check krb_principal, or have the principal made in the KDC",
    _UNKNOWN_SERVICE: "check the host name in server, or have the hub's service made in the KDC",
    _WRONG_KEY: "the key of the principal was changed: replace the keytab",
    _UNDECIPHERED: "the key of the principal was changed: replace the keytab",
    _NO_CACHE: "check krb_principal, and that the keytab is one, has its key, and that ccache can be written",
    _EXPIRED: "the ticket has expired: set keytab, or renew the ticket in ccache",
    _SKEW: "set the clocks of this host and of the KDC",
    _NO_KDC: "check krb5.conf, and that the KDC runs",
}
_KERBEROS_HINT = (
    "check krb_principal, keytab and ccache (one that another principal has left is to be removed)"
)
_WHERE = re.compile(r" \(_ssl\.c:\d+\)")
_CLOCK_WORDS = ("certificate has expired", "not yet valid")


def check_files(config: Config) -> None:
    """ConfigError when the files that TLS needs cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if config.serverca and not config.no_ssl_verify:
        is_directory = Path(config.serverca).is_dir()
        try:
            context.load_verify_locations(**{"capath" if is_directory else "cafile": config.serverca})
        except OSError as error:
            raise _unusable("CA certificates", config.serverca, error, "serverca") from None
    if has_certificate(config):
        try:
            # A key with a passphrase would ask the terminal for it.
            context.load_cert_chain(str(config.cert), password="")
        except OSError as error:
            raise _unusable("certificate and key", str(config.cert), error, "cert") from None


def has_certificate(config: Config) -> bool:
    """Whether the login is to be made with a certificate."""
    return bool(config.cert) and Path(str(config.cert)).is_file()


def no_keytab(config: Config, principal: str) -> ConfigError:
    """There is neither a key nor a ticket."""
    no_cert = f", and the certificate {config.cert} is not there" if config.cert else ""
    return ConfigError(
        f"keytab {config.keytab} of {principal} cannot be read{no_cert}",
        hint="set keytab, or cert, or user and password",
    )


def login_error(config: Config, principal: str, error: Exception) -> AdjutantError:
    """What to say of a login that failed with `error`; `principal` is the one of Kerberos."""
    if isinstance(error, koji.AuthError):
        return _refused(config, principal, lines_joined(error))
    response = error.response if isinstance(error, requests.HTTPError) else None
    if response is not None and response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        said = f"HTTP {response.status_code} {response.reason}"
        if is_kerberos(config):
            return _kerberos_error(config, principal) or _refused(config, principal, said)
        return _refused(config, principal, said)
    return connection_error(config, error)


def is_kerberos(config: Config) -> bool:
    """Whether nothing else than Kerberos is configured."""
    return not has_certificate(config) and not config.user


def connection_error(config: Config, error: Exception) -> AdjutantError:
    """What to say when there was no answer of a hub."""
    reason = _WHERE.sub("", lines_joined(innermost(error)))
    if isinstance(error, requests.exceptions.SSLError):
        return _tls_error(config, reason)
    if isinstance(error, (requests.ConnectionError, requests.Timeout)):
        return LoginFailed(
            f"hub {config.server} cannot be reached: {reason}",
            hint="check option server, and that the hub runs",
        )
    return LoginFailed(f"hub {config.server} does not answer as a hub: {reason}", hint="check option server")


def _tls_error(config: Config, reason: str) -> AdjutantError:
    if "CERTIFICATE_VERIFY_FAILED" not in reason:
        if has_certificate(config) and "alert" in reason:
            # Of the hub, about ours.
            return _refused(config, "", reason)
        return LoginFailed(
            f"hub {config.server} does not talk TLS with us: {reason}", hint="check option server"
        )
    if any(words in reason for words in _CLOCK_WORDS):
        return LoginFailed(
            f"hub {config.server}: its certificate is not valid now: {reason}",
            hint="compare the clocks of this host and of the hub, or have the hub's certificate renewed",
        )
    return ConfigError(
        f"hub {config.server}: its certificate is not trusted: {reason}",
        hint="set serverca to the certificate of the CA that signed it",
    )


def _refused(config: Config, principal: str, said: str) -> LoginRefused:
    if "is not a host" in said:
        hint = "have an administrator add it (koji add-host)"
        return LoginRefused(f"hub {config.server}: {said}", hint=hint)
    if has_certificate(config):
        who, hint = (
            f"the certificate {config.cert}",
            "check that it is valid now, and that the hub knows its CA and name",
        )
    elif config.user:
        who, hint = f"user {config.user}", "check user and password"
    else:
        who = f"the Kerberos principal {principal}".rstrip()
        hint = "check server and krb_principal, and that the hub knows the principal and has a keytab that is valid now"
    return LoginRefused(f"hub {config.server} refuses {who}: {said}", hint=hint)


def _kerberos_error(config: Config, principal: str) -> AdjutantError | None:
    """What Kerberos says on this host; None when it has a ticket for the hub."""
    gssapi: Any = importlib.import_module("gssapi")
    store = {"ccache": config.ccache}
    if os.access(config.keytab, os.R_OK):
        store["client_keytab"] = config.keytab
    service = f"HTTP@{urlsplit(config.server).hostname}"
    try:
        credentials = gssapi.Credentials(
            name=gssapi.Name(principal, gssapi.NameType.user), usage="initiate", store=store
        )
        gssapi.SecurityContext(
            name=gssapi.Name(service, gssapi.NameType.hostbased_service),
            creds=credentials,
            mech=gssapi.MechType.kerberos,
            usage="initiate",
        ).step()
    except gssapi.exceptions.GSSError as error:
        code = error.min_code % (1 << 32) - _KRB5
        statuses = (
            error.get_all_statuses(error.min_code, False)
            if error.min_code
            else error.get_all_statuses(error.maj_code, True)
        )
        kind = LoginFailed if code in _PASSING else LoginRefused
        return kind(
            f"no ticket for {service} as {principal}: {lines_joined('; '.join(statuses))}",
            hint=_HINTS.get(code, _KERBEROS_HINT),
        )
    return None


def _unusable(what: str, file: str, error: OSError, option: str) -> ConfigError:
    reason = "no such thing is in it" if isinstance(error, ssl.SSLError) else error.strerror or str(error)
    return ConfigError(f"{what} {file} cannot be used: {reason}", hint=f"check the file, or set {option}")
