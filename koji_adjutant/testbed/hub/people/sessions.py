"""Sessions: who calls, may they, and was this call made before.

A session lives from its login to its logout, or until another login takes its exclusive lock; a subsession
lives at most as long as its master. `identify` judges the headers of a request; the functions are what a
client calls. These are the only functions that commit in the middle of a call, because a real hub's do.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import koji

from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.rpc.call import Call, Session
from koji_adjutant.testbed.hub.rpc.database import Database, Row
from koji_adjutant.testbed.hub.rpc.holds import Holds
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.times import add_times

# A call with the number of the last one is refused, because that one may have been carried out already.
RETRIED = frozenset(
    {
        "host.taskWait",
        "host.taskUnwait",
        "host.taskSetWait",
        "host.updateHost",
        "host.setBuildRootState",
        "repoExpire",
        "repoDelete",
        "repoProblem",
    }
)
LOGINS = frozenset({"login", "sslLogin"})
# What a session may still do while another one has the user's exclusive lock.
UNLOCKED = frozenset({"exclusiveSession", "login", "logout"})


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a request says about its session."""

    session_id: int
    key: str
    callnum: int | None


def credentials_of(headers: Mapping[str, str], query: str) -> Credentials | None:
    """From the session headers, else from the query string that old clients send."""
    lowered = {name.lower(): value for name, value in headers.items()}
    session_id = lowered.get("koji-session-id")
    if session_id is not None:
        callnum = lowered.get("koji-session-callnum", lowered.get("koji-callnum"))
        return _credentials(session_id, lowered.get("koji-session-key", ""), callnum)
    if not query:
        return None
    fields = parse_qs(query, strict_parsing=True)
    for name in ("session-id", "session-key"):
        if name not in fields:
            raise koji.AuthError(f"{name} not specified in session args")
    return _credentials(fields["session-id"][0], fields["session-key"][0], fields.get("callnum", [None])[0])


def _credentials(session_id: str, key: str, callnum: str | None) -> Credentials:
    try:
        return Credentials(
            session_id=int(session_id), key=key, callnum=int(callnum) if callnum is not None else None
        )
    except ValueError as error:
        raise koji.AuthError(f"Invalid session id or call number: {error}") from error


def identify(
    db: Database,
    options: HubOptions,
    holds: Holds,
    credentials: Credentials | None,
    address: str,
    method: str | None,
) -> Session:
    """The session of a request to call `method` (None: an upload). Commits that the session was seen."""
    if not options.check_client_ip:
        address = "-"
    if credentials is None:
        return Session(address=address)
    holds.require_free_row("sessions", credentials.session_id)
    record = db.one(
        "SELECT * FROM sessions WHERE id = ? AND key = ? AND hostip = ? AND closed = 0",
        (credentials.session_id, credentials.key, address),
    )
    if record is None:
        raise koji.AuthError("Invalid session or bad credentials")
    _expire(db, options, record)
    if record["expired"] and method not in LOGINS:
        raise koji.AuthExpired(f'session "{record["id"]}" has expired')
    _check_callnum(record, credentials.callnum, method)
    if record["expired"]:
        return Session(address=address, id=record["id"], master=record["master"], expired=True)
    user = db.one("SELECT name, status FROM users WHERE id = ?", (record["user_id"],)) or {}
    if user["status"] != koji.USER_STATUS["NORMAL"]:
        raise koji.AuthError(f"logins by {user['name']} are not allowed")
    exclusive = _is_exclusive(db, record, method)
    db.update("sessions", {"id": record["id"]}, update_ts=options.clock())
    db.commit()
    if credentials.callnum is not None:
        # After the commit: the number is kept only if the call changes something else.
        db.update("sessions", {"id": record["id"]}, callnum=credentials.callnum)
        db.forget_touched()
    return Session(
        address=address,
        id=record["id"],
        master=record["master"],
        user_id=record["user_id"],
        username=user["name"],
        host_id=db.value("SELECT id FROM host WHERE user_id = ?", (record["user_id"],)),
        exclusive=exclusive,
        callnum=credentials.callnum,
        authtype=record["authtype"],
        record=record,
    )


def _expire(db: Database, options: HubOptions, record: Row) -> None:
    if record["expired"] or not options.session_renewal_timeout:
        return
    began = record["renew_ts"] or record["start_ts"]
    if options.clock() <= began + options.session_renewal_timeout * 60:
        return
    record["expired"] = True
    db.execute("UPDATE sessions SET expired = 1 WHERE id = :id OR master = :id", {"id": record["id"]})
    db.commit()


def _check_callnum(record: Row, callnum: int | None, method: str | None) -> None:
    last = record["callnum"]
    if callnum is None or last is None:
        return
    if last > callnum:
        raise koji.SequenceError(f"{last} > {callnum} (session {record['id']})")
    if last == callnum and method not in RETRIED:
        raise koji.RetryError(f"unable to retry call {callnum} (method {method}) for session {record['id']}")


def _is_exclusive(db: Database, record: Row, method: str | None) -> bool:
    if record["exclusive"]:
        return True
    holder = db.value(
        "SELECT id FROM sessions WHERE user_id = ? AND exclusive = 1 AND closed = 0", (record["user_id"],)
    )
    if holder is None:
        return False
    if holder == record["master"]:
        return True
    if method not in UNLOCKED:
        raise koji.AuthLockError("User locked by another session")
    return False


@exposed("login")
def login(
    call: Call,
    user: Any,
    password: Any,
    opts: Any = None,
    renew: bool = False,
    exclusive: bool = False,
) -> dict[str, Any] | None:
    """With `renew` and an expired session: the same session with a new key. It keeps its call number."""
    if not isinstance(password, str) or not password:
        raise koji.AuthError("invalid username or password")
    if call.session.logged_in:
        raise koji.AuthError("Already logged in")
    row = call.db.one(
        "SELECT id, name, status FROM users WHERE name = ? AND password = ?", (str(user), password)
    )
    if row is None:
        raise koji.AuthError("invalid username or password")
    address = (opts or {}).get("hostip") or call.session.address
    return _begin(call, row, address, koji.AUTHTYPES["NORMAL"], renew=renew, exclusive=exclusive)


@exposed("sslLogin")
def ssl_login(
    call: Call,
    proxyuser: Any = None,
    proxyauthtype: Any = None,
    renew: bool = False,
    exclusive: bool = False,
) -> dict[str, Any] | None:
    """By the client's certificate or principal; nobody may be somebody else's proxy, and nobody is made."""
    if call.session.logged_in:
        raise koji.AuthError("Already logged in")
    name = call.session.certificate
    if not name:
        raise koji.AuthError("could not verify client: NONE")
    if proxyuser is not None or proxyauthtype is not None:
        raise koji.AuthError(f"{name} is not authorized to login other users")
    known = "SELECT user_id FROM user_krb_principals WHERE krb_principal = :name"
    row = call.db.one(
        f"SELECT id, name, status FROM users WHERE name = :name OR id IN ({known})", {"name": name}
    )
    if row is None:
        raise koji.AuthError(f"Unknown user: {name}")
    return _begin(
        call, row, call.session.address, koji.AUTHTYPES["SSL"], renew=bool(renew), exclusive=bool(exclusive)
    )


def _begin(
    call: Call, user: Row, address: str, authtype: int, *, renew: bool, exclusive: bool
) -> dict[str, Any] | None:
    """A session of a user who has shown who it is."""
    if user["status"] != koji.USER_STATUS["NORMAL"]:
        raise koji.AuthError(f"logins by {user['name']} are not allowed")
    if renew and call.session.id is not None:
        return _renew(call, user["id"])
    info = _create(call, user["id"], address, authtype, master=None)
    if exclusive:
        _take_lock(call, info["session-id"], user["id"], force=False)
    call.db.commit()
    return info


@exposed("subsession")
def subsession(call: Call) -> dict[str, Any]:
    session = call.session
    if session.user_id is None or session.authtype is None:
        raise koji.AuthError("Not logged in")
    master = session.master or session.id
    info = _create(call, session.user_id, session.address, session.authtype, master=master)
    call.db.commit()
    return info


@exposed("exclusiveSession")
def exclusive_session(call: Call, force: bool = False) -> None:
    session = call.session
    if session.master is not None:
        raise koji.GenericError("subsessions cannot become exclusive")
    if session.exclusive:
        raise koji.GenericError("session is already exclusive")
    if session.id is None or session.user_id is None:
        raise koji.AuthError("Not logged in")
    _take_lock(call, session.id, session.user_id, force=force)
    call.db.commit()


@exposed("sharedSession")
def shared_session(call: Call) -> None:
    call.db.update("sessions", {"id": call.session.id}, exclusive=None)
    call.db.commit()


@exposed("logout")
def logout(call: Call, session_id: Any = None) -> None:
    """Close this session, or another one of this user's, with its subsessions."""
    if not call.session.logged_in:
        raise koji.AuthError("Not logged in")
    if session_id and not call.has_permission("admin"):
        owner = call.db.value("SELECT user_id FROM sessions WHERE id = ?", (session_id,))
        if owner != call.session.user_id:
            raise koji.ActionNotAllowed("only admins or owner may logout other session")
    call.db.execute(
        "UPDATE sessions SET expired = 1, exclusive = NULL, closed = 1 WHERE id = :id OR master = :id",
        {"id": session_id or call.session.id},
    )
    call.db.commit()


@exposed("logoutChild")
def logout_child(call: Call, session_id: Any) -> None:
    if not call.session.logged_in:
        raise koji.AuthError("Not logged in")
    call.db.update(
        "sessions",
        {"id": session_id, "master": call.session.id},
        expired=True,
        exclusive=None,
        closed=True,
    )
    call.db.commit()


@exposed("getSessionInfo")
def get_session_info(call: Call, details: bool = False, user_id: Any = None) -> Any:
    """What is known of this session, or of all living sessions of a user."""
    session = call.session
    if not session.logged_in:
        return None
    if not user_id:
        return _session_info(session.record, details=details)
    wanted = call.invoke("getUser", user_id, True)["id"]
    if wanted != session.user_id and not call.has_permission("admin"):
        raise koji.ActionNotAllowed("only admins or owners may see all active sessions")
    rows = call.db.all("SELECT * FROM sessions WHERE user_id = ? AND expired = 0", (wanted,))
    return [_session_info(row, details=details) for row in rows]


@exposed("showSession")
def show_session(call: Call) -> str:
    session = call.session
    if not session.logged_in:
        return "session: not logged in"
    return f"session {session.id}: user {session.username}, exclusive {session.exclusive}"


def _session_info(record: Mapping[str, Any], *, details: bool) -> dict[str, Any]:
    names = ["user_id", "expired", "master", "authtype", "callnum", "exclusive"]
    names += ["start_ts", "update_ts", "renew_ts"]
    if details:
        names += ["hostip", "id"]
    return add_times({name: record[name] for name in names}, "start", "update", "renew")


def _new_key(user_id: int) -> str:
    return f"{user_id}-{secrets.token_hex(12)}"


def _info(session_id: int, key: str) -> dict[str, Any]:
    return {"session-id": session_id, "session-key": key, "header-auth": True}


def _create(call: Call, user_id: int, address: str, authtype: int, *, master: int | None) -> dict[str, Any]:
    key = _new_key(user_id)
    session_id = call.db.insert(
        "sessions",
        user_id=user_id,
        master=master,
        key=key,
        authtype=authtype,
        hostip=address,
        start_ts=call.now(),
        update_ts=call.now(),
    )
    return _info(session_id, key)


def _renew(call: Call, user_id: int) -> dict[str, Any] | None:
    session = call.session
    if session.id is None:
        raise koji.AuthError("no session to renew")
    if session.master is not None and not call.db.value(
        "SELECT COUNT(*) FROM sessions WHERE id = ? AND closed = 0", (session.master,)
    ):
        return None
    key = _new_key(user_id)
    now = call.now()
    call.db.update("sessions", {"id": session.id}, key=key, expired=False, update_ts=now, renew_ts=now)
    call.db.commit()
    return _info(session.id, key)


def _take_lock(call: Call, session_id: int, user_id: int, *, force: bool) -> None:
    holder = call.db.value(
        "SELECT id FROM sessions WHERE user_id = ? AND exclusive = 1 AND closed = 0", (user_id,)
    )
    if holder is not None:
        if not force:
            raise koji.AuthLockError("Cannot get exclusive session")
        call.db.update("sessions", {"id": holder}, expired=True, exclusive=None, closed=True)
    call.db.update("sessions", {"id": session_id}, exclusive=True)
