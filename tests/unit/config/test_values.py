"""Values of options, read one by one."""

from pathlib import Path

import pytest

from koji_adjutant.config import values
from koji_adjutant.container.interface import IdMap, PullPolicy, Timeouts, VolumeMount


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (values.whole, "15", 15),
        (values.truth, "Yes", True),
        (values.truth, "off", False),
        (values.url, "http://[::1]:8080/kojihub", "http://[::1]:8080/kojihub"),
        (values.urls, "http://a/x/ https://b", ("http://a/x", "https://b")),
        (values.log_level, "info", 20),
        (values.socket_path, "unix:///run/p.sock", Path("/run/p.sock")),
        (values.socket_path, "/run/p.sock", Path("/run/p.sock")),
        (values.pull_policy, "if-not-present", PullPolicy.MISSING),
        (values.pull_policy, "Always", PullPolicy.ALWAYS),
        (values.size, "4G", 4 << 30),
        (values.size, "1.5 MiB", 3 << 19),
        (values.size, "200kB", 200 << 10),
        (values.size, "123", 123),
        (values.duration, "14d", 14 * 86400.0),
        (values.duration, "1.5 h", 5400.0),
        (values.duration, "90", 90.0),
        (values.timeouts, "pull=10, stop=1.5", Timeouts(pull=10, stop=1.5)),
        (values.mounts, "/a:/b", (VolumeMount(source="/a", target="/b", options=("rbind",)),)),
        (
            values.mounts,
            "/a:/b:rw,nosuid",
            (VolumeMount(source="/a", target="/b", read_only=False, options=("nosuid",)),),
        ),
        (values.path_map, "/a/:/b /c:/", (("/a", "/b"), ("/c", "/"))),
        (values.network, "slirp4netns:mtu=1500", "slirp4netns:mtu=1500"),
        (values.labels, "site=brno team=rpm", {"site": "brno", "team": "rpm"}),
        (values.positive, "0.5", 0.5),
        (values.user_namespace, "Auto", "auto"),
        (values.user_namespace, "500000:65536", IdMap(first=500000, size=65536)),
        (values.privileges, "", frozenset()),
        (values.privileges, "user_namespaces", {"user_namespaces"}),
        (values.optional_path, "", None),
        (
            values.limits,
            "memory=16G cpus=1.5, pids=100 build_disk=none",
            {"memory": 16 << 30, "cpus": 1.5, "pids": 100, "build_disk": None},
        ),
        (
            values.limits,
            "memory = 16G\nbuildArch.memory =none, createrepo.cpus= 2",
            {"memory": 16 << 30, "buildArch.memory": None, "createrepo.cpus": 2.0},
        ),
        (values.settings, "", {}),
        (values.macros, "%name(n:) a\tb\n", {"%name(n:)": "a\tb"}),
    ],
)
def test_good_value(parse: values.Parser, text: str, expected: object) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("parse", "text", "problem"),
    [
        (values.whole, "1.5", "whole number"),
        (values.truth, "maybe", "yes or no"),
        (values.user_namespace, "maybe", "auto, yes, no, or FIRST:SIZE"),
        (values.user_namespace, "1:2", "65536 or more"),
        (values.user_namespace, "4294967295:65536", "FIRST:SIZE"),
        (values.privileges, "root", "'root' is none of user_namespaces"),
        (values.url, "hub.example.com", "expected a URL"),
        (values.url, "ftp://hub", "expected a URL"),
        (values.url, "http://hub:port/", "expected a URL"),
        (values.urls, "  ", "one or more URLs"),
        (values.log_level, "LOUD", "DEBUG"),
        (values.absolute_path, "state", "absolute path"),
        (values.socket_path, "tcp://engine:8080", "unix socket"),
        (values.pull_policy, "sometimes", "always, missing, newer or never"),
        (values.size, "many", "expected a size"),
        (values.size, "0", "expected a size"),
        (values.duration, "soon", "expected a time"),
        (values.duration, "0d", "expected a time"),
        (values.timeouts, "pull=soon", "seconds for pull"),
        (values.timeouts, "coffee=5", "seconds for pull"),
        (values.timeouts, "pull=-1", "seconds for pull"),
        (values.mounts, "a:/b", "absolute paths"),
        (values.mounts, "/a:/b:Z", "relabel /a"),
        (values.path_map, "/a", "/our/path:/path/of/the/engine"),
        (values.network, "no network", "name of a network"),
        (values.labels, "io.koji.adjutant.worker=me", "belong to koji-adjutant"),
        (values.labels, "alone", "name=value"),
        (values.limits, "memory=4M", "32M or more"),
        (values.limits, "cpus=0.001", "0.01 or more"),
        (values.limits, "pids=0", "pids=0: expected a whole number above zero"),
        (values.limits, "memory=-1", "memory=-1: expected a size"),
        (values.limits, "cpu=1", "memory, cpus, pids, build_disk, build_inodes, not of 'cpu'"),
        (values.limits, "buildArch.cpu=1", "memory, cpus, pids, build_disk, build_inodes, not of 'cpu'"),
        (values.limits, "buildArch.pids=x", "pids=x: expected a whole number"),
        (
            values.limits,
            "buildarch.cpus=1",
            "buildarch.cpus: limits are for buildArch, buildSRPMFromSCM, rebuildSRPM, createrepo, not for 'buildarch'",
        ),
        (values.limits, "newRepo.cpus=1", "limits are for .*, not for 'newRepo'"),
        (values.limits, ".cpus=1", "not for ''"),
        (values.limits, "buildArch.=1", "not of ''"),
        (values.limits, "buildArch.memory =", "memory=: expected a size"),
        (values.settings, "NAME", "NAME=value"),
        (values.settings, "A B=1", "NAME=value"),
        (values.macros, "%name", "%name value"),
        (values.macros, "%%x y", "%name value"),
        (values.positive, "inf", "above zero"),
        (values.positive, "x", "above zero"),
    ],
)
def test_bad_value(parse: values.Parser, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse(text)
