"""Packages: the names that builds have, and the list of packages that each tag takes."""

import re
from typing import Any

import koji

from koji_adjutant.testbed.hub.people.users import require_user
from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions, apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.versions import at_event
from koji_adjutant.testbed.hub.tags.inheritance import full_inheritance


@exposed("getPackageID")
def get_package_id(call: Call, name: str, strict: bool = False) -> int | None:
    found: int | None = call.db.value("SELECT id FROM package WHERE name = ?", (name,))
    if found is None and strict:
        raise koji.GenericError(f"No such package name: {name}")
    return found


@exposed("getPackage")
def get_package(call: Call, info: Any, strict: bool = False, create: bool = False) -> Row | None:
    if create:
        call.require_permission("admin")
        return lookups.find_or_create(call, "package", info)
    return lookups.find_strictly(call, "package", info) if strict else lookups.find(call, "package", info)


@exposed("listPackagesSimple")
def list_packages_simple(
    call: Call,
    prefix: str | None = None,
    queryOpts: QueryOptions = None,
) -> Any:
    rows = call.db.all("SELECT id AS package_id, name AS package_name FROM package")
    return apply_options(_with_prefix(rows, prefix), queryOpts)


@exposed("listPackages")
def list_packages(
    call: Call,
    tagID: Any = None,
    userID: Any = None,
    pkgID: Any = None,
    prefix: str | None = None,
    inherited: bool = False,
    with_dups: bool = False,
    event: int | None = None,
    queryOpts: QueryOptions = None,
    with_owners: bool = True,
    with_blocked: bool = True,
) -> Any:
    if tagID is None and userID is None and pkgID is None:
        return list_packages_simple(call, prefix, queryOpts)
    if userID is not None and not with_owners:
        raise koji.GenericError("userID and with_owners=False can't be used together")
    found = read_package_list(
        call,
        tag_id=None if tagID is None else lookups.id_of(call, "tag", tagID),
        user_id=None if userID is None else require_user(call, userID)["id"],
        package_id=None if pkgID is None else lookups.id_of(call, "package", pkgID),
        event=event,
        inherit=inherited,
        owners=with_owners,
        blocked=with_blocked,
    )
    rows = [row for same in found.values() for row in (same if with_dups else same[:1])]
    return apply_options(_with_prefix(rows, prefix), queryOpts)


@exposed("checkTagPackage")
def check_tag_package(call: Call, tag: Any, pkg: Any) -> bool:
    config = get_package_config(call, tag, pkg)
    return config is not None and not config["blocked"]


@exposed("getPackageConfig")
def get_package_config(call: Call, tag: Any, pkg: Any, event: int | None = None) -> Row | None:
    tag_id = lookups.id_or_none(call, "tag", tag)
    package_id = lookups.id_or_none(call, "package", pkg)
    if tag_id is None or package_id is None:
        return None
    found = package_list(call, tag_id, package_id=package_id, event=event, owners=True)
    return found.get(package_id)


def package_list(
    call: Call,
    tag_id: int,
    *,
    package_id: int | None = None,
    event: int | None = None,
    owners: bool = False,
) -> dict[int, Row]:
    """What a tag says of each package, inherited where it says nothing itself; blocked packages included."""
    found = read_package_list(
        call, tag_id=tag_id, package_id=package_id, event=event, inherit=True, owners=owners
    )
    return {package: rows[0] for package, rows in found.items()}


def read_package_list(
    call: Call,
    *,
    tag_id: int | None = None,
    user_id: int | None = None,
    package_id: int | None = None,
    event: int | None = None,
    inherit: bool = False,
    owners: bool = True,
    blocked: bool = True,
) -> dict[int, list[Row]]:
    """The entries of each package, nearest tag first. The first is the one that counts within a tag."""
    query = _Query(user_id=user_id, package_id=package_id, event=event, owners=owners, blocked=blocked)
    packages: dict[int, list[Row]] = {}
    for row in query.rows(call, tag_id):
        packages.setdefault(row["package_id"], []).append(row)
    if tag_id is None or not inherit:
        return packages
    for link in full_inheritance(call, tag_id, event):
        patterns = [re.compile(pattern) for pattern in link["filter"]]
        for row in query.rows(call, link["parent_id"]):
            if all(pattern.match(row["package_name"]) for pattern in patterns):
                packages.setdefault(row["package_id"], []).append(row)
    return packages


class _Query:
    """The package list of one tag, or of all, narrowed to a user or package."""

    def __init__(
        self, *, user_id: int | None, package_id: int | None, event: int | None, owners: bool, blocked: bool
    ) -> None:
        self._columns = (
            "package.id AS package_id, package.name AS package_name, tag.id AS tag_id, "
            "tag.name AS tag_name, extra_arches, tag_packages.blocked AS blocked"
        )
        self._tables = (
            "tag_packages JOIN tag ON tag.id = tag_packages.tag_id "
            "JOIN package ON package.id = tag_packages.package_id"
        )
        self._conditions = [at_event(event, "tag_packages")]
        self._params: dict[str, Any] = {"user": user_id, "package": package_id}
        if owners:
            self._columns += ", users.id AS owner_id, users.name AS owner_name"
            self._tables += (
                " JOIN tag_package_owners AS owners ON owners.tag_id = tag_packages.tag_id "
                "AND owners.package_id = tag_packages.package_id JOIN users ON users.id = owners.owner"
            )
            self._conditions.append(at_event(event, "owners"))
        if user_id is not None:
            self._conditions.append("users.id = :user")
        if package_id is not None:
            self._conditions.append("package.id = :package")
        if not blocked:
            self._conditions.append("NOT tag_packages.blocked")

    def rows(self, call: Call, tag_id: int | None) -> list[Row]:
        conditions = self._conditions + ([] if tag_id is None else ["tag.id = :tag"])
        return call.db.all(
            f"SELECT {self._columns} FROM {self._tables} WHERE {' AND '.join(conditions)}",
            self._params | {"tag": tag_id},
        )


def _with_prefix(rows: list[Row], prefix: str | None) -> list[Row]:
    wanted = (prefix or "").lower()
    return [row for row in rows if row["package_name"].lower().startswith(wanted)]
