"""How the daemon and its tasks fetch over HTTP, whatever it is: source packages, repo metadata, packages.

All of it trusts the same: what the system trusts, as dnf does, or the bundle that the environment names. So do calls to
the hub where their options (serverca, no_ssl_verify) say nothing else: a distribution's own requests trusts the system,
PyPI's a list of its own, in which a site's authority is not.
"""

import os
import ssl

import requests

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
TIMEOUT = (20, 60)
"""Seconds to connect, and between two pieces of an answer."""


def open_session() -> requests.Session:
    """A session that trusts what the system trusts, or what the environment says."""
    session = requests.Session()
    if trusted := system_authorities():
        session.verify = trusted
    return session


def system_authorities() -> str:
    """The file or directory of authorities that the system trusts; empty where the environment names others."""
    if any(os.environ.get(name) for name in CA_VARIABLES):
        return ""
    system = ssl.get_default_verify_paths()
    return system.cafile or system.capath or ""
