"""What a process has asked of hub and engine: the form of the event `requests`, and the names that it may have.

A process says what has come since it last said so: a task process at its end, the main process and helpers at theirs
and at most once a minute in between. Who adds them up has totals. Names are those of fixed tables: whatever else is
called counts as `other`, so that no plugin and no package makes a name.

| detail | what |
|---|---|
| `hub` | by method of `HUB_METHODS`: requests (a multicall is one), how many of them failed, seconds they all took |
| `hub_retries` | how often a request was made again |
| `engine` | the same by call of `ENGINE_CALLS` |
| `uploaded_bytes` | files, logs not counted |
| `log_uploaded_bytes` | of logs |
| `log_lag_seconds` | the longest that a piece of a log has waited on this host |
| `downloaded_bytes` | of packages and metadata: from the host's own `cache`, over the `network` |

What is nought is left out.
"""

OTHER = "other"
HUB_METHODS = frozenset(
    {
        "build.commitBuild",
        "cancelTaskChildren",
        "checkUpload",
        "echo",
        "exclusiveSession",
        "getAPIVersion",
        "getAverageBuildDuration",
        "getBuild",
        "getBuildConfig",
        "getBuildTarget",
        "getChangelogEntries",
        "getChannel",
        "getEvent",
        "getExternalRepoList",
        "getFullInheritance",
        "getHost",
        "getKojiVersion",
        "getLastEvent",
        "getPackageConfig",
        "getRepo",
        "getTag",
        "getTaskChildren",
        "getTaskInfo",
        "getTaskRequest",
        "getTaskResult",
        "getUser",
        "host.assertPolicy",
        "host.checkPolicy",
        "host.closeTask",
        "host.completeBuild",
        "host.failBuild",
        "host.failTask",
        "host.freeTasks",
        "host.getHost",
        "host.getHostTasks",
        "host.getID",
        "host.getTasks",
        "host.initBuild",
        "host.moveBuildToScratch",
        "host.newBuildRoot",
        "host.openTask",
        "host.refuseTask",
        "host.repoDone",
        "host.repoInit",
        "host.setBuildRootList",
        "host.setBuildRootState",
        "host.setTaskWeight",
        "host.subtask",
        "host.tagBuild",
        "host.tagNotification",
        "host.taskSetWait",
        "host.taskWait",
        "host.taskWaitResults",
        "host.updateBuildRootList",
        "host.updateHost",
        "host.writeSignedRPM",
        "listBuildroots",
        "listBuilds",
        "listChannels",
        "listHosts",
        "listRPMs",
        "listTaggedRPMS",
        "listTags",
        "listTaskOutput",
        "login",
        "logout",
        "logoutChild",
        "multiCall",
        "rawUpload",
        "repo.checkRequest",
        "repo.request",
        "repoInfo",
        "sslLogin",
        "subsession",
    }
)
ENGINE_CALLS = frozenset(
    {
        "container-attach",
        "container-create",
        "container-export",
        "container-inspect",
        "container-kill",
        "container-list",
        "container-logs",
        "container-mount",
        "container-read",
        "container-remove",
        "container-resize",
        "container-start",
        "container-stats",
        "container-wait",
        "container-write",
        "exec-create",
        "exec-inspect",
        "exec-resize",
        "exec-start",
        "image-commit",
        "image-exists",
        "image-inspect",
        "image-list",
        "image-load",
        "image-pull",
        "image-remove",
        "image-tag",
        "image-untag",
        "info",
        "ping",
        "version",
    }
)
