"""A testbed of its own whose hub tells people by mail, and the mail server of its builder."""

import os
from collections.abc import Iterator

import koji
import pytest

from koji_adjutant.testbed.demo.report import say
from koji_adjutant.testbed.layout import Layout
from koji_adjutant.testbed.lifecycle import Options, bring_up
from tests.integration.conftest import running_testbed
from tests.integration.running import OPTIONS, Testbed
from tests.mail_server import PASSWORD, USER, MailServer, mail_server
from tests.waiting import eventually

DOMAIN = "people.example"
UNFINISHED = [koji.TASK_STATES[state] for state in ("FREE", "OPEN", "ASSIGNED")]


@pytest.fixture(scope="package")
def mails() -> Iterator[MailServer]:
    """It wants a login."""
    with mail_server(login=True) as made:
        yield made


@pytest.fixture(scope="package")
def testbed(mails: MailServer) -> Iterator[Testbed]:
    kojid = {
        "smtphost": mails.address,
        "smtp_user": USER,
        "smtp_pass": PASSWORD,
        "from_addr": "Koji <koji@people.example>",
    }
    options = Options(run_interval=0, mail_domain=DOMAIN, kojid=kojid, adjutant={"prewarm": "no"})

    def up(layout: Layout) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in OPTIONS.items():
                patch.setitem(os.environ, name, value)
            bring_up(layout, options, say)

    with running_testbed(up) as running:
        yield running
        told = [
            path
            for path in (*running.layout.logs.iterdir(), running.layout.journal)
            if PASSWORD in path.read_text()
        ]
        assert not told, f"the password of the mail server is in {told}"


@pytest.fixture(autouse=True)
def _every_mail_is_sent(testbed: Testbed) -> Iterator[None]:
    """Before it is looked at what a test leaves: its mails are tasks of nobody's, and come after what they tell of."""
    yield
    eventually(lambda: not testbed.session.listTasks({"state": UNFINISHED}), "no task is left", seconds=120)
