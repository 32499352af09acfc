import argparse
from pathlib import Path

from koji_adjutant.cli import commands, status_server
from koji_adjutant.monitoring.arguments import add_arguments


def test_the_server_is_told_what_the_command_was_told() -> None:
    said = ["--state-dir=/s", "--own-dir=/o", "--bind=unix:/run/x.sock", "--token-file=/t"]
    given = commands.parser().parse_args(["status-server", *said])
    argv = status_server.argv_for(given)
    assert argv[1:4] == ["-P", "-m", "koji_adjutant.monitoring"]
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    again = parser.parse_args(argv[4:])
    assert (again.state_dir, again.own_dir) == (Path("/s"), Path("/o"))
    assert (again.bind, again.token_file) == ("unix:/run/x.sock", Path("/t"))


def test_what_was_not_said_is_not_said() -> None:
    given = commands.parser().parse_args(["status-server", "--state-dir=/s", "--own-dir=/o"])
    assert status_server.argv_for(given)[4:] == ["--state-dir", "/s", "--own-dir", "/o"]
