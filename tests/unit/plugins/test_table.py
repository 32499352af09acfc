"""What plugins register: whole, or not at all."""

from pathlib import Path

from tests.unit.plugins.plugin_files import BROKEN, CALLBACKS, TASK, loaded, registered


def test_what_is_registered_during_the_import_is_taken_back(directory: Path) -> None:
    text = "import koji.plugin\nkoji.plugin.register_callback('postCreateRepo', print)\n"
    text += "koji.plugin.callbacks['invented'] = [print]\n"
    loaded(directory, bad=text + BROKEN)
    assert registered("postCreateRepo") == []
    assert "invented" not in CALLBACKS


def test_a_later_plugin_keeps_its_method(directory: Path) -> None:
    good, bad = TASK.format(methods=["both", "mine"]), TASK.format(methods=["both", "yours"]) + BROKEN
    assert loaded(directory, bad=bad, good=good).outages.methods == {"yours"}
    after = loaded(directory, good=good, bad=bad)
    assert after.outages.methods == {"both", "yours"}
    assert "mine" in after.served
