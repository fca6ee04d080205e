"""What runs are the very bytes whose hash was checked, whatever lies beside them or takes their place."""

from __future__ import annotations

import importlib.util
import py_compile
from pathlib import Path

import pytest

from brownout.engine.ports import OutcomeStatus
from brownout.pluginhost.answers import AnswerStatus
from brownout.pluginhost.discovery import discover
from brownout.pluginhost.found import Found
from brownout.pluginhost.host import PluginHost
from brownout.pluginhost.launch import launch_of
from tests.pluginhost.folders import Plugins
from tests.pluginhost.stage import Stage

GOOD = "def health_check(): pass\ndef initialize(config): pass\ndef shutdown(): pass\n"
MINE = GOOD + "import json\ndef handle_request(request):\n    return json.dumps('mine')\n"


def evil(mark: Path) -> str:
    """A module that leaves a mark when it is run."""
    theirs = "def dumps(*_): return 'theirs'\ndef handle_request(_): return 'theirs'\n"
    return f"open({str(mark)!r}, 'w').close()\n{GOOD}{theirs}"


def ask(stage: Stage, found: Found) -> object:
    """Run these bytes, and ask them who they are."""
    launch = launch_of(found.name, found, stage.state / "plugins" / found.name, level="", config={}, base={})

    async def story(host: PluginHost) -> object:
        assert (await host.start(launch)).status is OutcomeStatus.DONE
        answer = await stage.ask(host, found.name)
        assert answer.status is AnswerStatus.OK, answer
        return answer.body

    return stage.live(story)


def load(plugins: Plugins) -> Found:
    """The plugin voice, as it lies there now."""
    found = discover([plugins.path], packages=False).load("voice")
    assert isinstance(found, Found)
    return found


def test_what_lies_beside_a_plugin_is_not_run(
    stage: Stage, plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No compiled file, no `sitecustomize`, no module that shadows Python's own; not beside it, not in its data folder,
    and not where the controller's environment points to.
    """
    mark = tmp_path / "mark"
    folder = plugins.put("voice", module=MINE, more="load: Eager\n")
    data = stage.state / "plugins" / "voice"
    theirs = tmp_path / "theirs.py"
    theirs.write_text(evil(mark))
    for place in (folder, data):
        place.mkdir(parents=True, exist_ok=True)
        for name in ("sitecustomize", "usercustomize", "json", "brownout"):
            (place / f"{name}.py").write_text(evil(mark))
        py_compile.compile(str(theirs), cfile=importlib.util.cache_from_source(str(place / "voice.py")))
        py_compile.compile(str(theirs), cfile=str(place / "voice.pyc"))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("PYTHONSTARTUP", str(theirs))
    assert ask(stage, load(plugins)) == '"mine"'
    assert not mark.exists()


def test_a_module_of_a_name_of_pythons_own_takes_nobodys_place(stage: Stage, plugins: Plugins) -> None:
    """A plugin called json still imports Python's json: its own module has a name apart."""
    module = GOOD + "import json\ndef handle_request(_):\n    return json.dumps('mine')\n"
    folder = plugins.put("voice", module=module, more="load: Eager\n")
    manifest = folder / "plugin.yaml"
    (folder / "voice.py").rename(folder / "json.py")
    manifest.write_text(manifest.read_text().replace("voice.py", "json.py").replace("name: voice", "name: json"))
    folder.rename(plugins.path / "json")
    found = discover([plugins.path], packages=False).load("json")
    assert isinstance(found, Found)
    assert ask(stage, found) == '"mine"'
