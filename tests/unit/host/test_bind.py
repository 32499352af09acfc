"""Where a server listens: what is understood, and who can reach it."""

import pytest

from koji_adjutant.host.bind import Bind, read_bind


@pytest.mark.parametrize(
    ("text", "bind", "is_local"),
    [
        ("127.0.0.1:8080", Bind(host="127.0.0.1", port=8080), True),
        ("127.1.2.3:1", Bind(host="127.1.2.3", port=1), True),
        ("localhost:65535", Bind(host="localhost", port=65535), True),
        ("[::1]:8080", Bind(host="::1", port=8080), True),
        ("unix:/run/s", Bind(path="/run/s"), True),
        ("0.0.0.0:80", Bind(host="0.0.0.0", port=80), False),
        ("[::]:80", Bind(host="::", port=80), False),
        ("build1.example.com:80", Bind(host="build1.example.com", port=80), False),
        ("localhost.example.com:80", Bind(host="localhost.example.com", port=80), False),
    ],
)
def test_what_is_understood(text: str, bind: Bind, *, is_local: bool) -> None:
    assert read_bind(text) == bind
    assert bind.is_local is is_local
    assert str(bind) == text


def test_a_path_alone_is_a_socket() -> None:
    assert str(read_bind("/run/status")) == "unix:/run/status"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:٨٠",
        "::1:8080",
        "[::1:8080",
        "[host]:80",
        "a b:80",
        "unix:relative",
        "unix:/" + 107 * "x",
        "unix:/a\0b",
        "http://127.0.0.1:80",
    ],
)
def test_what_is_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected an address|at most 107 bytes"):
        read_bind(text)
