import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koji_adjutant.host.bind import Bind
from koji_adjutant.monitoring.guard import is_own_name, is_token

LOOPBACK = Bind(host="127.0.0.1", port=8080)
TOKEN = "correct-horse-battery-staple-0123456789"
DIGEST = hashlib.sha256(TOKEN.encode()).hexdigest()


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True),
        ("LOCALHOST:99", True),
        ("localhost.", True),
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("[::1]", True),
        ("", False),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example:8080", False),
        ("127.0.0.2", False),
        ("localhost:x", False),
        ("evil.example:80:localhost", False),
    ],
)
def test_names_of_the_host(host: str, own: bool) -> None:
    assert is_own_name(host, LOOPBACK) is own
    assert is_own_name(host, Bind(path="/run/status.sock"))


@pytest.mark.parametrize(
    ("sent", "good"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer  {TOKEN} ", True),
        (basic(f"anybody:{TOKEN}"), True),
        (basic(f":{TOKEN}"), True),
        (basic(TOKEN), False),
        (basic(f"{TOKEN}:"), False),
        (f"Bearer {DIGEST}", False),
        (f"Basic {TOKEN}", False),
        ("Basic \u00e9", False),
        ("Bearer", False),
        ("", False),
        (TOKEN, False),
    ],
)
def test_tokens(sent: str, good: bool) -> None:
    assert is_token(sent, DIGEST) is good


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_nothing_else_is_a_token(sent: str) -> None:
    assert not is_token(sent, DIGEST)
    assert not is_token(f"Basic {sent}", DIGEST)
