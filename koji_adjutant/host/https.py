"""How the daemon and its tasks fetch over HTTP, whatever it is: source packages, repo metadata, packages.

All of it trusts the same: what the system trusts, as dnf does, or the bundle that the environment names. Only calls to
the hub have options of their own (serverca, no_ssl_verify).
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
    system = ssl.get_default_verify_paths()
    if (trusted := system.cafile or system.capath) and not any(os.environ.get(name) for name in CA_VARIABLES):
        session.verify = trusted
    return session
