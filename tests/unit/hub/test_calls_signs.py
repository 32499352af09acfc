"""Calls that are repeated for long: signs of life for a service manager."""

import os
from itertools import pairwise

import koji
import pytest
import requests

from koji_adjutant.hub.calls import SIGN_OF_LIFE_SECONDS
from koji_adjutant.hub.outage import Pauses
from koji_adjutant.hub.session import open_session
from tests.hubs import Hub


def test_a_long_pause_between_attempts_feeds(hub: Hub) -> None:
    now, signs = [1000.0], [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pauses = Pauses(clock=lambda: now[0], sleep=sleep)
    session = open_session(hub.config(retry_interval=1800), pauses=pauses)
    session.before_request = lambda: signs.append(now[0])
    session.baseurl = "http://127.0.0.1:9/kojihub"
    session.opts = {**session.opts, "anon_retry": True, "max_retries": 30}
    with pytest.raises(requests.RequestException):
        session.callMethod("getAPIVersion")
    gaps = [after - before for before, after in pairwise(signs)]
    assert now[0] > 1000.0 + 5 * 1800
    assert max(gaps) <= SIGN_OF_LIFE_SECONDS + 0.001


def test_a_call_that_is_repeated_feeds(hub: Hub) -> None:
    session = open_session(hub.config(max_retries=3, retry_interval=0))
    session.login()
    fed: list[int] = []
    session.before_request = lambda: fed.append(os.getpid())
    session.give_up_early()
    session.baseurl = "http://127.0.0.1:9/kojihub"
    with pytest.raises((koji.GenericError, requests.RequestException)):
        session.callMethod("getAPIVersion")
    assert len(fed) > 1
    session.baseurl = hub.hub.url
    session.logout()
