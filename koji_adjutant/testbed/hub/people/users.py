"""Users, groups and permissions. A host and a group are users too, of another user type."""

import re
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row, marks
from koji_adjutant.testbed.hub.rpc.lookups import find_or_create, find_strictly
from koji_adjutant.testbed.hub.rpc.query_options import apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import LONGEST_NAME, require_name, require_type
from koji_adjutant.testbed.hub.rpc.versions import create_version, revoke_versions

NORMAL: int = koji.USERTYPES["NORMAL"]
HOST: int = koji.USERTYPES["HOST"]
GROUP: int = koji.USERTYPES["GROUP"]
USER_NAME = re.compile(r"[A-Za-z0-9/_.@-]+\Z")

FIND_USER = (
    "SELECT DISTINCT users.id, name, status, usertype FROM users "
    "LEFT JOIN user_krb_principals ON user_id = users.id WHERE "
)


@exposed("getUser")
def get_user(
    call: Call, userInfo: Any = None, strict: bool = False, krb_princs: bool = True, groups: bool = False
) -> Row | None:
    """A user by id, name, Kerberos principal, or a dict of those; the caller when nothing is given."""
    wanted = call.session.user_id if userInfo is None else userInfo
    if wanted is None:
        raise koji.GenericError("No user provided")
    user = _find_user(call, wanted)
    if user is None:
        if strict:
            raise koji.GenericError(f"No such user: {wanted!r}")
        return None
    if krb_princs:
        user["krb_principals"] = principals_of(call, user["id"])
    if groups:
        user["groups"] = [group["name"] for group in groups_of(call, user["id"])]
    return user


def _find_user(call: Call, info: Any) -> Row | None:
    if isinstance(info, str):
        return call.db.one(f"{FIND_USER} krb_principal = :info OR name = :info", {"info": info})
    if isinstance(info, int):
        info = {"id": info}
    if not isinstance(info, dict):
        raise koji.GenericError(f"Invalid type for userInfo: {type(info)}")
    clauses = []
    for name, kind, column in (("id", int, "users.id"), ("name", str, "name"), ("krb_principal", str, "")):
        if not info.get(name):
            continue
        if not isinstance(info[name], kind):
            raise koji.GenericError(f"Invalid type for user's {name}: {type(info[name])}")
        clauses.append(f"{column or name} = :{name}")
    if not clauses:
        return None
    return call.db.one(FIND_USER + " AND ".join(clauses), info)


def require_user(call: Call, info: Any) -> Row:
    user = get_user(call, info, strict=True)
    if user is None:
        raise koji.GenericError(f"No such user: {info!r}")
    return user


def principals_of(call: Call, user_id: int) -> list[str]:
    return call.db.values("SELECT krb_principal FROM user_krb_principals WHERE user_id = ?", (user_id,))


def groups_of(call: Call, user_id: int) -> list[Row]:
    return call.db.all(
        "SELECT users.id, users.name FROM user_groups JOIN users ON users.id = group_id "
        "WHERE user_groups.active = 1 AND user_id = ? ORDER BY users.id",
        (user_id,),
    )


def own_permissions(call: Call, user_id: int) -> list[str]:
    return call.db.values(
        "SELECT name FROM user_perms JOIN permissions ON permissions.id = perm_id "
        "WHERE active = 1 AND user_id = ? ORDER BY permissions.id",
        (user_id,),
    )


def permissions_with_sources(call: Call, user_id: int) -> dict[str, list[str | None]]:
    """The user's permissions, each with the groups that give it (None: the user's own)."""
    sources: dict[str, list[str | None]] = {name: [None] for name in own_permissions(call, user_id)}
    for group in groups_of(call, user_id):
        for name in own_permissions(call, group["id"]):
            sources.setdefault(name, []).append(group["name"])
    return sources


def add_user(
    call: Call, name: str, *, usertype: int = NORMAL, status: int | None = None, principal: str | None = None
) -> int:
    user_id = call.db.insert("users", name=name, usertype=usertype, status=status or 0)
    if principal:
        call.db.insert("user_krb_principals", user_id=user_id, krb_principal=principal)
    return user_id


@exposed("getLoggedInUser")
def get_logged_in_user(call: Call) -> Row | None:
    if not call.session.logged_in:
        return None
    user = require_user(call, call.session.user_id)
    principals = user["krb_principals"]
    return {
        **user,
        "authtype": call.session.authtype,
        "krb_principal": principals[0] if principals else None,
    }


@exposed("createUser")
def create_user(call: Call, username: Any, status: Any = None, krb_principal: Any = None) -> int:
    call.require_permission("admin")
    require_user_name(username)
    if get_user(call, username):
        raise koji.GenericError(f"user already exists: {username}")
    return add_user(call, username, status=status, principal=krb_principal)


def require_user_name(name: Any) -> None:
    if not isinstance(name, str):
        raise koji.GenericError("Name should be string")
    if len(name) > LONGEST_NAME:
        raise koji.GenericError(f"Name {name} is too long. Max length is {LONGEST_NAME} characters")
    if not USER_NAME.match(name):
        raise koji.GenericError(f"Name {name} does not match RegexUserName value")


@exposed("enableUser")
def enable_user(call: Call, username: Any) -> None:
    _set_status(call, username, koji.USER_STATUS["NORMAL"])


@exposed("disableUser")
def disable_user(call: Call, username: Any) -> None:
    _set_status(call, username, koji.USER_STATUS["BLOCKED"])


def _set_status(call: Call, username: Any, status: int) -> None:
    user = get_user(call, username)
    if user is None:
        raise koji.GenericError(f"No such user: {username}")
    call.require_permission("admin")
    call.db.update("users", {"id": user["id"]}, status=status)


@exposed("listUsers")
def list_users(
    call: Call,
    userType: Any = NORMAL,
    prefix: Any = None,
    queryOpts: Any = None,
    perm: Any = None,
    inherited_perm: bool = False,
) -> Any:
    if inherited_perm and not perm:
        raise koji.GenericError("inherited_perm option must be used with perm option")
    types = [userType] if isinstance(userType, int) else userType
    if types is not None and not isinstance(types, list | tuple):
        raise koji.ParameterError("userType must be integer, list, tuple or None")
    users = call.db.all("SELECT id, name, status, usertype FROM users ORDER BY id")
    if types is not None:
        users = [user for user in users if user["usertype"] in types]
    if prefix:
        users = [user for user in users if user["name"].lower().startswith(prefix.lower())]
    if perm:
        find_strictly(call, "permissions", perm)
        holders = permissions_with_sources if inherited_perm else own_permissions
        users = [user for user in users if perm in holders(call, user["id"])]
    for user in users:
        user["krb_principals"] = principals_of(call, user["id"])
    return apply_options(users, queryOpts)


@exposed("hasPerm")
def has_perm(call: Call, perm: Any, strict: bool = False) -> bool:
    if strict:
        find_strictly(call, "permissions", perm)
    return call.has_permission(perm)


@exposed("getPerms")
def get_perms(call: Call) -> list[str]:
    return sorted(call.permissions)


@exposed("getAllPerms")
def get_all_perms(call: Call) -> list[Row]:
    return call.db.all("SELECT id, name, description FROM permissions ORDER BY id")


@exposed("getUserPerms")
def get_user_perms(call: Call, userID: Any = None, with_groups: bool = True) -> list[str]:
    user_id = require_user(call, userID)["id"]
    if with_groups:
        return list(permissions_with_sources(call, user_id))
    return own_permissions(call, user_id)


@exposed("getUserPermsInheritance")
def get_user_perms_inheritance(call: Call, userID: Any) -> dict[str, list[str | None]]:
    return permissions_with_sources(call, require_user(call, userID)["id"])


@exposed("grantPermission")
def grant_permission(
    call: Call, userinfo: Any, permission: Any, create: bool = False, description: Any = None
) -> None:
    call.require_permission("admin")
    if create:
        require_name(permission)
    elif description is not None:
        raise koji.GenericError("Description should be specified only with create.")
    user_id = require_user(call, userinfo)["id"]
    find = find_or_create if create else find_strictly
    perm = find(call, "permissions", permission)
    if description is not None:
        require_type(description, str)
        call.db.update("permissions", {"id": perm["id"]}, description=description)
    if perm["name"] in own_permissions(call, user_id):
        raise koji.GenericError(f"user {userinfo} already has permission: {perm['name']}")
    create_version(call, "user_perms", user_id=user_id, perm_id=perm["id"])


@exposed("revokePermission")
def revoke_permission(call: Call, userinfo: Any, permission: Any) -> None:
    call.require_permission("admin")
    user_id = require_user(call, userinfo)["id"]
    perm = find_strictly(call, "permissions", permission)
    if not revoke_versions(call, "user_perms", user_id=user_id, perm_id=perm["id"]):
        raise koji.GenericError(f"user {userinfo} does not have permission: {perm['name']}")


@exposed("newGroup")
def new_group(call: Call, name: Any) -> int:
    call.require_permission("admin")
    require_name(name)
    if get_user(call, name):
        raise koji.GenericError(f"user/group already exists: {name}")
    return add_user(call, name, usertype=GROUP)


@exposed("addGroupMember")
def add_group_member(call: Call, group: Any, user: Any, strict: bool = True) -> None:
    call.require_permission("admin")
    group_id, member = _group_id(call, group), get_user(call, user)
    if member is None:
        raise koji.GenericError(f"Not a user: {user}")
    if member["usertype"] == GROUP:
        raise koji.GenericError("Groups cannot be members of other groups")
    if member["id"] in _member_ids(call, group_id):
        if strict:
            raise koji.GenericError("User already in group")
        return
    create_version(call, "user_groups", user_id=member["id"], group_id=group_id)


@exposed("dropGroupMember")
def drop_group_member(call: Call, group: Any, user: Any) -> None:
    call.require_permission("admin")
    user_id = require_user(call, user)["id"]
    if not revoke_versions(call, "user_groups", user_id=user_id, group_id=_group_id(call, group)):
        raise koji.GenericError(f"No such user in group: {group}")


@exposed("getGroupMembers")
def get_group_members(call: Call, group: Any) -> list[Row]:
    ids = _member_ids(call, _group_id(call, group))
    rows = call.db.all(f"SELECT id, name, usertype FROM users WHERE id IN ({marks(ids)})", ids)
    return [{**row, "krb_principals": principals_of(call, row["id"])} for row in rows]


@exposed("getUserGroups")
def get_user_groups(call: Call, user: Any) -> list[Row]:
    return groups_of(call, require_user(call, user)["id"])


def _group_id(call: Call, info: Any) -> int:
    group = get_user(call, info)
    if group is None or group["usertype"] != GROUP:
        raise koji.GenericError(f"Not a group: {info}")
    return int(group["id"])


def _member_ids(call: Call, group_id: int) -> list[int]:
    return call.db.values("SELECT user_id FROM user_groups WHERE active = 1 AND group_id = ?", (group_id,))
