"""Checks of what the login is made with: whether it can be read, whose it is, and when it ends."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from koji_adjutant.cli.doctor.check import Check, Finding, failure, ok, warning
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.hub.credentials import ca_end, certificate_end, keytab_problem, ticket_end
from koji_adjutant.hub.login import check_files, has_certificate, is_kerberos
from koji_adjutant.hub.session import principal_of

DAY = 86400.0
WARNING_DAYS, FAILURE_DAYS = 30, 7
TICKET_SECONDS = 3600.0


def _until(what: str, end: float, hint: str) -> Finding:
    left = end - time.time()
    day = datetime.fromtimestamp(end, UTC).date().isoformat()
    if left <= 0:
        return failure(f"{what} has ended on {day}", hint)
    text = f"{what} is good until {day}, {left / DAY:.0f} days"
    if left < FAILURE_DAYS * DAY:
        return failure(text, hint)
    return warning(text, hint) if left < WARNING_DAYS * DAY else ok(text)


def _certificate(on: Surroundings) -> Finding:
    config = on.config
    if not has_certificate(config):
        if config.cert and not config.user:
            return warning(f"the certificate {config.cert} is not there", "set cert, or take it out")
        return ok("the login is not by certificate")
    check_files(config)
    return _until(f"the certificate {config.cert}", certificate_end(config), "have a new one signed")


def _authority(on: Surroundings) -> Finding:
    config = on.config
    if config.no_ssl_verify:
        return warning("no_ssl_verify: any certificate passes for the hub's", "set serverca instead")
    if not config.serverca:
        return ok("the hub's certificate is checked with the system's authorities")
    check_files(config)
    end = ca_end(config)
    if end is None:
        return ok(f"{config.serverca} is a directory of authorities")
    return _until(
        f"the authority in {config.serverca}", end, "get the new certificate of the authority of the hub"
    )


def _keytab(on: Surroundings) -> Finding:
    config = on.config
    if not is_kerberos(config):
        return ok("the login is not by Kerberos")
    if not Path(config.keytab).exists():
        return ok("there is no keytab; the ticket is renewed by somebody else")
    if not os.access(config.keytab, os.R_OK):
        return failure(f"keytab {config.keytab} cannot be read", "chown it to the daemon's user, chmod 0600")
    problem = keytab_problem(config, principal_of(config))
    if problem:
        return failure(problem.what, problem.hint)
    return ok(f"keytab {config.keytab} has a key of {principal_of(config)}")


def _ticket(on: Surroundings) -> Finding:
    config = on.config
    if not is_kerberos(config) or os.access(config.keytab, os.R_OK):
        return ok("no ticket is needed beside what the daemon gets itself")
    end = ticket_end(config)
    hint = "renew it (kinit, k5start), or set keytab"
    if end is None:
        return failure(f"there is no usable ticket in ccache {config.ccache}", hint)
    left = end - time.time()
    if left <= 0:
        return failure(f"the ticket in {config.ccache} has expired", hint)
    text = f"the ticket in {config.ccache} is good for {left / 3600:.1f} hours"
    return warning(text, hint) if left < TICKET_SECONDS else ok(text)


_NEEDS = ("config.file",)
CHECKS = (
    Check(id="credentials.certificate", title="Certificate of the login", look=_certificate, needs=_NEEDS),
    Check(id="credentials.authority", title="Authority of the hub", look=_authority, needs=_NEEDS),
    Check(id="credentials.keytab", title="Keytab", look=_keytab, needs=_NEEDS),
    Check(id="credentials.ticket", title="Kerberos ticket", look=_ticket, needs=_NEEDS),
)
