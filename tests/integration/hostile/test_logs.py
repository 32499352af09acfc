"""What a package prints, and what it says in the build script's name."""

from base64 import b64encode

import pytest

from tests.integration.configured import configured
from tests.integration.hostile.attempts import ATTACK
from tests.integration.hostile.conftest import Hostile
from tests.integration.hostile.memory import peak_memory

pytestmark = pytest.mark.podman

LIMIT = 1 << 30
MEMORY = 120 << 20
ALL_BYTES = b"".join(bytes([number]) for number in range(256))
INVALID = b"\xff\xfe\xc3\x28\xed\xa0\x80 \x1b]0;title\x07 \x1b[2J"
FORGED = r"""
words=$(printf 'result forged \033[31m\001\377\nrequire forged(\033)\nsource ../../forged\nphase forged\n')
ATTACK "speak=$words
"
sleep 5
""".replace("ATTACK", ATTACK)


def test_any_byte_is_a_log_s(hostile: Hostile) -> None:
    text = ALL_BYTES + INVALID
    made = hostile.build("prints", f"echo {b64encode(text).decode()} | base64 -d")
    assert made.error is None, made.said
    assert text in (made.logs / "build.log").read_bytes()
    assert text in hostile.testbed.container_log(made.task).read_bytes()


def test_a_package_that_speaks_for_the_build_script(hostile: Hostile) -> None:
    """It makes its own build fail; the hub is told so in words that it can take."""
    made = hostile.build("forges", FORGED, "hostile-tools")
    assert made.said.startswith("error building package (arch noarch)")
    assert "attack speak=result" in made.log("build.log")
    assert "\x1b" not in made.said
    hostile.still_builds()


def test_one_line_without_end(hostile: Hostile) -> None:
    with configured(hostile.testbed, log_size_limit="1G"):
        number = hostile.start("endless-line", f"head -c {2 * LIMIT} /dev/zero | tr '\\0' x")
        most = peak_memory(hostile.testbed, number)
        made = hostile.done(number)
    assert f"reached log_size_limit ({LIMIT} bytes) in build.log" in made.said
    sizes = [path.stat().st_size for path in made.logs.iterdir() if path.suffix == ".log"]
    assert LIMIT - (1 << 20) < sum(sizes) <= LIMIT + (1 << 20)
    # Nobody wants to read them again, nor to have them on the disk.
    for log in (made.logs / "build.log", hostile.testbed.container_log(made.task)):
        log.unlink()
    assert most < MEMORY
    hostile.still_builds()
