"""Signature headers of rpms: kept from the import on, in the database and beside the build."""

import hashlib
from pathlib import Path
from typing import Any

import koji

from koji_adjutant.testbed.hub.builds.build_files import build_directory
from koji_adjutant.testbed.hub.builds.rpms import get_rpm
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions, apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed


@exposed("queryRPMSigs")
def query_rpm_sigs(
    call: Call, rpm_id: Any = None, sigkey: str | None = None, queryOpts: QueryOptions = None
) -> Any:
    conditions, params = ["1"], list[Any]()
    if rpm_id is not None:
        rpm = get_rpm(call, rpm_id)
        conditions.append("rpm_id = ?")
        params.append(rpm["id"] if rpm else None)
    if sigkey is not None:
        conditions.append("sigkey = ?")
        params.append(sigkey.lower())
    sql = f"SELECT rpm_id, sigkey, sighash FROM rpmsigs WHERE {' AND '.join(conditions)}"
    return apply_options(call.db.all(sql, params), queryOpts)


def keep_signature(call: Call, build: Row, rpm: Row, file: Path) -> None:
    """Record the signature header of an rpm that was just imported; an unsigned rpm has one, too."""
    header = koji.rip_rpm_sighdr(str(file))
    key: Any = koji.get_sighdr_key(header)
    sigkey = key or ""
    digest = hashlib.md5(header, usedforsecurity=False).hexdigest()
    call.db.insert("rpmsigs", rpm_id=rpm["id"], sigkey=sigkey, sighash=digest)
    info: Any = rpm
    copy = build_directory(call, build) / call.paths.sighdr(info, sigkey)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(header)
