"""The koji client as the testbed's administrator."""

import koji
import pytest

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.client import admin_password, koji_command, write_client_conf
from koji_adjutant.testbed.layout import Layout, write_secret

SECRET = "not-to-be-told"


def test_the_client_reads_its_configuration(layout: Layout) -> None:
    write_client_conf(layout, server="http://h/kojihub", topurl="http://h/files", topdir=layout.directory)
    config = koji.read_config("koji", user_config=str(layout.client_conf))
    assert (config["server"], config["topurl"]) == ("http://h/kojihub", "http://h/files")
    assert config["authtype"] == "password"


def test_no_command_line_tells_the_password(layout: Layout) -> None:
    write_secret(layout.administrator, SECRET)
    write_client_conf(layout, server="http://h/kojihub", topurl="http://h/files", topdir=layout.directory)
    assert admin_password(layout) == SECRET
    command = koji_command(layout, "build", "--wait", "dist-md")
    assert command[-3:] == ["build", "--wait", "dist-md"]
    assert SECRET not in " ".join(command)
    assert SECRET not in layout.client_conf.read_text()


def test_where_nothing_is_up(layout: Layout) -> None:
    with pytest.raises(ConfigError, match="there is no testbed"):
        admin_password(layout)
