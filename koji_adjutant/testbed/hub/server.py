"""The embedded hub as an object: a directory with a database and a topdir, served from `start` to `stop`.

It owns its threads, sockets and database connection; everything else is in the directory and survives.
"""

import ssl
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import koji

from koji_adjutant.testbed.hub.control import HubControl
from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.people.accounts import Accounts
from koji_adjutant.testbed.hub.rpc.database import Database
from koji_adjutant.testbed.hub.rpc.dispatch import Dispatcher
from koji_adjutant.testbed.hub.rpc.negotiate import Acceptor
from koji_adjutant.testbed.hub.rpc.web import FILES_PATH, HUB_PATH, HubServer

LOOPBACK = "127.0.0.1"
URL_FILE = "hub.url"
TOPDIR_PARTS = ("packages", "repos", "repos-dist", "scratch", "vol", "work")


class EmbeddedHub:
    """A Koji hub on a free port of the loopback interface (or `port`), in `directory`.

    With `tls` it speaks that, and knows a client by the common name of its certificate as well as by a password; with
    a `keytab` by its Kerberos principal, too.
    """

    def __init__(
        self,
        directory: Path,
        options: HubOptions | None = None,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        keytab: Path | None = None,
    ) -> None:
        self.directory = directory
        self.topdir = directory / "topdir"
        self.options = options or HubOptions()
        self._port = port
        self._tls = tls
        self._acceptor = Acceptor(keytab) if keytab else None
        self._resources = ExitStack()
        self._server: HubServer | None = None
        self._dispatcher: Dispatcher | None = None

    def start(self) -> Self:
        """Serve; the address is in `directory`/hub.url too."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for part in TOPDIR_PARTS:
            (self.topdir / part).mkdir(parents=True, exist_ok=True)
        with ExitStack() as starting:
            file = self.directory / "hub.sqlite"
            # It has passwords and the keys of sessions; what SQLite puts beside it gets the same mode.
            file.touch(mode=0o600)
            database = Database(file)
            starting.callback(database.close)
            database.create_schema()
            self._dispatcher = Dispatcher(database, self.options, koji.PathInfo(topdir=str(self.topdir)))
            starting.callback(self._dispatcher.close)
            self._server = HubServer(
                LOOPBACK, self._port, self.topdir, self._dispatcher, self._tls, self._acceptor
            )
            starting.callback(_serve(self._server))
            self._resources = starting.pop_all()
        (self.directory / URL_FILE).write_text(f"{self.url}\n", encoding="ascii")
        return self

    def stop(self) -> None:
        self._resources.close()
        self._server = self._dispatcher = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError("the hub is not started")
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"{self._scheme}://{LOOPBACK}:{self.port}{HUB_PATH}"

    @property
    def topurl(self) -> str:
        return f"{self._scheme}://{LOOPBACK}:{self.port}{FILES_PATH}"

    @property
    def _scheme(self) -> str:
        return "http" if self._tls is None else "https"

    def serve_files(self, address: str, port: int = 0) -> str:
        """Serve the topdir, and nothing else, on another address too; its URL."""
        server = HubServer(address, port, self.topdir, None)
        self._resources.callback(_serve(server))
        return f"http://{address}:{server.server_port}{FILES_PATH}"

    @property
    def accounts(self) -> Accounts:
        """Users and hosts, made without a login: there has to be a first one."""
        return Accounts(self._running())

    @property
    def control(self) -> HubControl:
        """What tests do to a hub that no client can."""
        return HubControl(self._running())

    def bootstrap(self, admin: str, password: str) -> int:
        """Make the administrator that everything else is done as; the user's id. Can be repeated."""
        return self.accounts.add_user(admin, password, permissions=("admin",))

    def _running(self) -> Dispatcher:
        if self._dispatcher is None:
            raise RuntimeError("the hub is not started")
        return self._dispatcher


class _Stop:
    """Ends a serving thread and closes its socket."""

    def __init__(self, server: HubServer, thread: threading.Thread) -> None:
        self._server = server
        self._thread = thread

    def __call__(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.cut_connections()
        self._server.server_close()


def _serve(server: HubServer) -> _Stop:
    name = f"hub {server.server_name}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name=name, daemon=True)
    thread.start()
    return _Stop(server, thread)
