"""What builds for a tag go by: its architectures and extra data, with what it inherits of both."""

from typing import Any

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import sliced
from koji_adjutant.testbed.hub.tags.inheritance import full_inheritance
from koji_adjutant.testbed.hub.tags.tags import read_extra, require_tag


@exposed("getBuildConfig")
def get_build_config(call: Call, tag: Any, event: int | None = None) -> Row:
    config = require_tag(call, tag, event)
    extra = read_extra(call, config["id"], event)
    origins: Row = {"extra": {}, "arches": None}
    for link in full_inheritance(call, config["id"], event):
        if link["noconfig"]:
            continue
        ancestor = require_tag(call, link["parent_id"], event)
        if config["arches"] is None and ancestor["arches"] is not None:
            config["arches"] = ancestor["arches"]
            origins["arches"] = sliced(ancestor, ("id", "name"))
        for key, value in read_extra(call, ancestor["id"], event).items():
            if key not in extra:
                extra[key] = value
                origins["extra"][key] = sliced(ancestor, ("id", "name"))
    config["extra"] = {key: value for key, (blocked, value) in extra.items() if not blocked}
    config["config_inheritance"] = origins
    return config
