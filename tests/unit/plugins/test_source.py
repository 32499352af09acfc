"""What is read of a plugin's text, and what is not known of it then."""

from pathlib import Path

import pytest

from koji_adjutant.plugins.source import PluginSource, read_source
from koji_adjutant.policy.methods import BUILDER_CALLBACKS

SCM = frozenset({"preSCMCheckout", "postSCMCheckout"})


def read(tmp_path: Path, text: str) -> PluginSource:
    file = tmp_path / "plugin.py"
    file.write_text(text)
    return read_source(file)


@pytest.mark.parametrize(
    "text",
    [
        "class A(BaseTaskHandler):\n    Methods = ['one', 'two']\n",
        "class A(BaseTaskHandler):\n    Methods = ('one',) + ('two',)\n",
        "METHODS = ['one', 'two']\nclass A(BaseTaskHandler):\n    Methods = METHODS\n",
        "NAME = 'one'\nclass A(BaseTaskHandler):\n    Methods: list[str] = [NAME, 'two']\n",
        "class A(BaseTaskHandler):\n    Methods = ['one']\nclass B(A):\n    Methods = ['two']\n",
        "class A(BaseTaskHandler):\n    Methods = ['one']\nA.Methods = ['two']\n",
        "try:\n    class A(BaseTaskHandler):\n        Methods = ['one', 'two']\nfinally:\n    pass\n",
    ],
)
def test_methods_that_are_literals(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, f"from koji.tasks import BaseTaskHandler\n{text}")
    assert found.methods == {"one", "two"}
    assert found.gaps == ()


def test_methods_that_are_inherited(tmp_path: Path) -> None:
    text = (
        "import koji.tasks\nfrom __main__ import BuildArchTask, BaseBuildTask\n"
        "class A(koji.tasks.WaitrepoTask):\n    pass\nclass B(BuildArchTask):\n    pass\n"
        "class C(BaseBuildTask):\n    Methods = ['c']\nclass D(Exception):\n    pass\n"
    )
    found = read(tmp_path, text)
    assert found.methods == {"waitrepo", "buildArch", "c"}
    assert found.gaps == ()


@pytest.mark.parametrize(
    "text",
    [
        "class A(BaseTaskHandler):\n    Methods = [name() for name in ()]\n",
        "class A(BaseTaskHandler):\n    Methods = ['one']\n    Methods += ['two']\n",
        "class A(BaseTaskHandler):\n    Methods = ['one']\nA.Methods.append('two')\n",
        "NAMES = ['one']\nNAMES.append('two')\nclass A(BaseTaskHandler):\n    Methods = NAMES\n",
        "NAMES = NAMES\nclass A(BaseTaskHandler):\n    Methods = NAMES\n",
        "from elsewhere import A\n",
        "import elsewhere\nA = elsewhere.A\n",
        "from elsewhere import *\n",
        "from . import beside\n",
        "import elsewhere\nclass A(elsewhere.Task):\n    pass\n",
        "from __main__ import NeverHeardOfTask\nclass A(NeverHeardOfTask):\n    pass\n",
        "A = type('A', (BaseTaskHandler,), {'Methods': ['one']})\n",
        "import imp\nkojid = imp.load_source('kojid', '/usr/sbin/kojid')\n",
        "exec('class A: pass')\n",
        "globals()['A'] = 1\n",
        "setattr(BaseTaskHandler, 'Methods', ['one'])\n",
    ],
)
def test_methods_that_the_text_does_not_tell(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f"from koji.tasks import BaseTaskHandler\n{text}").gaps


@pytest.mark.parametrize(
    "text",
    [
        "from koji.plugin import callback\n@callback('preSCMCheckout', 'postSCMCheckout')\ndef f(*a, **k): pass\n",
        "import koji.plugin\n@koji.plugin.callback('preSCMCheckout', 'postSCMCheckout')\ndef f(*a, **k): pass\n",
        (
            "from koji.plugin import callback as on, convert_datetime\n@convert_datetime\n"
            "@on('preSCMCheckout')\n@on('postSCMCheckout')\ndef f(*a, **k): pass\n"
        ),
        "from koji.plugin import *\n@callback('preSCMCheckout', 'postSCMCheckout')\ndef f(*a, **k): pass\n",
        (
            "from koji import plugin as p\np.register_callback('preSCMCheckout', print)\n"
            "p.register_callback('postSCMCheckout', print)\n"
        ),
        "def f(*a, **k): pass\nf.callbacks = ('preSCMCheckout', 'postSCMCheckout')\n",
        "class F:\n    callbacks = ['preSCMCheckout', 'postSCMCheckout']\n",
    ],
)
def test_callbacks_that_are_literals(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, text)
    assert found.callbacks == SCM
    assert found.gaps == ()


@pytest.mark.parametrize(
    "text",
    [
        "from koji.plugin import callback\n@callback(*NAMES)\ndef f(*a, **k): pass\n",
        "from koji.plugin import callback\non = callback\n",
        "import koji\nfor name in ('a',):\n    koji.plugin.register_callback(name, print)\n",
        "import koji.plugin\nkoji.plugin.callbacks['postSCMCheckout'].append(print)\n",
        "from koji import plugin\ngetattr(plugin, 'callback')('postSCMCheckout')(print)\n",
        "def f(*a, **k): pass\nf.callbacks = names()\n",
        "def f(*a, **k): pass\nsetattr(f, 'callbacks', ['postSCMCheckout'])\n",
    ],
)
def test_callbacks_that_the_text_does_not_tell(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).gaps


def test_what_a_plugin_fires_it_does_not_register_for(tmp_path: Path) -> None:
    text = (
        "import koji\nfrom koji.tasks import BaseTaskHandler\nclass A(BaseTaskHandler):\n    Methods = ['a']\n"
        "    def handler(self):\n        self.run_callbacks('postSCMCheckout', srcdir='')\n"
    )
    found = read(tmp_path, text)
    assert found.fires == {"postSCMCheckout"}
    assert found.callbacks == frozenset()
    assert found.gaps == ()
    assert read(tmp_path, text.replace("'postSCMCheckout'", "name")).fires == BUILDER_CALLBACKS


def test_a_gap_names_its_line(tmp_path: Path) -> None:
    assert read(tmp_path, "import os\nexec(os.name)\n").gaps == ("line 2: exec is called",)


def test_what_is_no_text(tmp_path: Path) -> None:
    assert read_source(None).gaps == ("there is no such file",)
    assert read_source(tmp_path / "gone.py").gaps == ("it cannot be read: No such file or directory",)
    assert read_source(tmp_path / "compiled.so").gaps == ("compiled.so is no Python text",)


def test_of_a_text_with_an_error_every_word_counts(tmp_path: Path) -> None:
    found = read(tmp_path, "class A(:\n    Methods = ['buildArch', \"own\"]\n")
    assert found.words == {"buildArch", "own"}
    assert len(found.gaps) == 1
    assert read(tmp_path, "x = '\0'\n").gaps
