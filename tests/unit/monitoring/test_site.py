import pytest

from koji_adjutant.monitoring.site import wants_html


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("TEXT/HTML", True),
        ("text/html;q=0.9, application/json", True),
        ("application/json, text/html", False),
        ("*/*", False),
        ("", False),
        ("text/htmlx", False),
        (",;,;;", False),
    ],
)
def test_browsers_ask_for_html(accept: str, html: bool) -> None:
    assert wants_html(accept) is html
