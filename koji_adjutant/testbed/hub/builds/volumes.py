"""Volumes: the disks that builds are on. What is on them is the topdir's business."""

from pathlib import Path
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.lookups import find, find_or_create
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import require_name


@exposed("listVolumes")
def list_volumes(call: Call) -> list[Row]:
    return call.db.all("SELECT id, name FROM volume ORDER BY id")


@exposed("addVolume")
def add_volume(call: Call, name: Any, strict: bool = True) -> Row:
    """Its directory has to be there."""
    call.require_permission("admin")
    require_name(name)
    if not Path(call.paths.volumedir(name)).is_dir():
        raise koji.GenericError("please create the volume directory first")
    if strict and find(call, "volume", name):
        raise koji.GenericError(f"volume {name} already exists")
    return find_or_create(call, "volume", name)
