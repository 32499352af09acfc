from contextlib import closing
from pathlib import Path

import pytest

from koji_adjutant.errors import ConfigError
from koji_adjutant.host.bind import Bind
from koji_adjutant.monitoring import listen


def test_a_unix_socket_is_for_its_group(tmp_path: Path) -> None:
    bind = Bind(path=str(tmp_path / "sock"))
    with closing(listen.listening(bind, "no-such-group")):
        assert Path(bind.path).stat().st_mode & 0o777 == 0o660
        made = listen.identity(bind)
        assert made
        with pytest.raises(ConfigError, match="another status server"):
            listen.listening(bind)
        assert listen.identity(bind) == made
    # What is left of it is replaced.
    with closing(listen.listening(bind)):
        assert listen.identity(bind) != made
        listen.removed(bind, made)
        assert Path(bind.path).exists()
    listen.removed(bind, listen.identity(bind))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["file", "directory", "link", "nowhere"])
def test_what_is_no_socket_is_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "sock"
    if kind == "file":
        path.write_text("precious")
    elif kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("precious")
    else:
        path = tmp_path / "none" / "sock"
    with pytest.raises(ConfigError, match="cannot be listened on"):
        listen.listening(Bind(path=str(path)))
    assert kind != "file" or path.read_text() == "precious"


def test_a_port_is_had_by_one() -> None:
    with closing(listen.listening(Bind(host="127.0.0.1", port=0))) as first:
        port = first.getsockname()[1]
        with pytest.raises(ConfigError, match="another status server"):
            listen.listening(Bind(host="127.0.0.1", port=port))


def test_a_name_that_nobody_has_cannot_be_listened_on() -> None:
    with pytest.raises(ConfigError, match=r"monitoring_bind 192\.0\.2\.1:1"):
        listen.listening(Bind(host="192.0.2.1", port=1))
