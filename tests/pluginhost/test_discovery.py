"""Which plugins are found, in what order they start, and what is said of those that are broken."""

from __future__ import annotations

import errno
import os
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.pluginhost.dependencies import order_of
from brownout.pluginhost.discovery import discover
from brownout.pluginhost.found import Found
from brownout.pluginhost.manifest import Manifest
from tests.pluginhost.folders import MODULE, Plugins, install


def told(plugins: Plugins, *, eager: bool = False) -> list[str]:
    """Every problem of a folder."""
    found = discover([plugins.path], packages=False, eager=eager).problems
    return [str(problem).replace(f"{plugins.path}/", "") for problem in found]


def test_a_plugin_is_found_by_its_manifest_and_loaded_with_its_bytes(plugins: Plugins) -> None:
    """What is loaded are the bytes of manifest and module, and the hash is what sha256sum says of the two."""
    folder = plugins.put("voice")
    found = discover([plugins.path], packages=False).load("voice")
    assert isinstance(found, Found)
    assert (found.name, found.module_bytes, found.folder) == ("voice", MODULE.encode(), str(folder))
    listed = subprocess.run(["sha256sum", "plugin.yaml", "voice.py"], cwd=folder, capture_output=True, check=True)
    assert found.sha256 == sha256(listed.stdout).hexdigest()


def test_nothing_of_a_plugin_is_run_or_read_before_it_is_wanted(plugins: Plugins) -> None:
    """A module that is missing, or would take the process down, is no concern of who only looks."""
    plugins.put("absent", module=None)
    plugins.put("deadly", module="import os\nos._exit(3)\n")
    assert discover([plugins.path], packages=False).order == ("absent", "deadly")
    assert told(plugins) == []


def test_eager_tells_of_the_modules_too(plugins: Plugins) -> None:
    """By choice, every module is read at once, and one that is not there stands with the other problems."""
    plugins.put("absent", module=None)
    plugins.put("well")
    assert told(plugins, eager=True) == ["absent/absent.py: cannot be read: No such file or directory"]
    assert discover([plugins.path], packages=False, eager=True).order == ("well",)


def test_all_problems_of_all_plugins_are_told_at_once(plugins: Plugins) -> None:
    """A broken one hides no other, and those that stand are found."""
    plugins.put("well")
    plugins.put("odd", more="limits: {memory: x}\nneeds: {network: {listen: [0]}}\n")
    plugins.put("renamed").joinpath("plugin.yaml").write_text("name: other\nversion: 1.0.0\nentry: a.py\n")
    plugins.put("lonely", requires=["nobody", "odd"])
    assert [line.partition(": must be a")[0] for line in told(plugins)] == [
        'odd/plugin.yaml:5: limits.memory: Invalid value: "x"',
        "odd/plugin.yaml:6: needs.network.listen[0]: Invalid value: 0",
        'renamed/plugin.yaml: name: Invalid value: "other": must be "renamed", as its folder or entry point is called',
        'lonely/plugin.yaml: requires[0]: Invalid value: "nobody": there is no such plugin; found are: well',
        'lonely/plugin.yaml: requires[1]: Invalid value: "odd": there is no such plugin; found are: well',
    ]
    assert discover([plugins.path], packages=False).order == ("well",)


def test_what_is_known_of_a_broken_plugin_is_told_to_who_asks_for_it(plugins: Plugins) -> None:
    """Not that there is none: it lies there, and its manifest is what is wrong."""
    plugins.put("well")
    plugins.put("odd", more="limits: {memory: x}\n")
    loaded = discover([plugins.path], packages=False).load("odd")
    assert isinstance(loaded, tuple)
    assert "limits.memory: Invalid value" in str(loaded[0])


def test_a_circle_is_named_and_stops_who_stands_on_it(plugins: Plugins) -> None:
    """Each plugin of the circle hears all of it; who requires one of them cannot start either."""
    plugins.put("a", requires=["b"])
    plugins.put("b", requires=["c"])
    plugins.put("c", requires=["a"])
    plugins.put("above", requires=["a"])
    plugins.put("beside")
    problems = told(plugins)
    assert [line.partition(":")[0] for line in problems] == [f"{name}/plugin.yaml" for name in ("a", "above", "b", "c")]
    turns = (
        "a requires b requires c requires a",
        "b requires c requires a requires b",
        "c requires a requires b requires c",
    )
    assert any(f"goes in a circle: {turn}" in problems[0] for turn in turns)
    assert problems[1].endswith('requires[0]: Invalid value: "a": cannot start itself')
    found = discover([plugins.path], packages=False)
    assert found.order == ("beside",)
    assert isinstance(found.load("a"), tuple)


_NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(_NAMES, st.frozensets(_NAMES, max_size=4), min_size=1))
def test_everything_starts_after_what_it_requires_or_says_why_not(wishes: dict[str, frozenset[str]]) -> None:
    """Every plugin is either in the order, after all that it requires, or has a problem: never both, never neither."""
    manifests = {
        name: Manifest(name=name, version="1", entry="a.py", requires=tuple(sorted(wanted - {name})))
        for name, wanted in wishes.items()
    }
    order = order_of(manifests)
    assert sorted((*order.names, *order.problems)) == sorted(manifests)
    assert all(order.problems.values())
    for at, name in enumerate(order.names):
        assert set(manifests[name].requires) <= set(order.names[:at])
    # Who is left out stands on a circle, or requires what is not there or left out.
    for name in order.problems:
        assert any(wanted not in order.names for wanted in manifests[name].requires)


def test_a_folder_that_is_not_there_holds_no_plugins(tmp_path: Path) -> None:
    """The default folder need not exist."""
    found = discover([tmp_path / "none"], packages=False)
    assert (found.order, found.problems) == ((), ())


def test_what_is_no_plugin_is_passed_over(plugins: Plugins) -> None:
    """Files, hidden folders, caches, folders without a manifest."""
    plugins.put(".hidden")
    plugins.put("__pycache__")
    (plugins.path / "empty").mkdir()
    (plugins.path / "README.md").write_text("hello")
    assert told(plugins) == []
    assert discover([plugins.path], packages=False).candidates == {}


@pytest.mark.parametrize("file", ["plugin.yaml", "voice.py"])
def test_no_link_leads_out_of_the_folder(plugins: Plugins, tmp_path: Path, file: str) -> None:
    """A link to a file elsewhere is refused, whether it is the manifest or the module; its content is not shown."""
    folder = plugins.put("voice")
    (tmp_path / "elsewhere").write_bytes((folder / file).read_bytes())
    (folder / file).unlink()
    (folder / file).symlink_to(tmp_path / "elsewhere")
    (problem,) = told(plugins, eager=True)
    assert problem == f"voice/{file}: is a link that leads out of the folder"


def test_a_folder_that_is_a_link_to_elsewhere_holds_no_plugin(plugins: Plugins, tmp_path: Path) -> None:
    """The same holds for the plugin's folder."""
    Plugins(tmp_path / "other").put("voice")
    (plugins.path / "voice").symlink_to(tmp_path / "other/voice")
    assert discover([plugins.path], packages=False).order == ()
    assert len(told(plugins)) == 1


@pytest.mark.parametrize("target", ["loop", "nowhere", "."])
def test_a_link_that_leads_nowhere_hides_nobody(plugins: Plugins, target: str) -> None:
    """One that leads to itself, to nothing, or back to where it lies: it is no plugin, and the others are found."""
    plugins.put("voice")
    (plugins.path / "loop").symlink_to(target)
    assert discover([plugins.path], packages=False).order == ("voice",)
    assert told(plugins) == []


def test_a_manifest_that_is_a_link_to_itself_is_told(plugins: Plugins) -> None:
    """It stands where a manifest should, so its owner hears of it; the others are found."""
    plugins.put("voice")
    plugins.put("odd").joinpath("plugin.yaml").unlink()
    (plugins.path / "odd/plugin.yaml").symlink_to("plugin.yaml")
    assert discover([plugins.path], packages=False).order == ("voice",)
    assert told(plugins) == ["odd/plugin.yaml: cannot be read: Too many levels of symbolic links"]


def test_a_folder_that_may_not_be_looked_into_is_told_and_hides_nobody(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who runs the controller hears that a plugin is there that it may not read; root, as here, may read everything."""
    plugins.put("voice")
    locked = plugins.put("locked") / "plugin.yaml"
    seen = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        if path == locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return seen(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    assert discover([plugins.path], packages=False).order == ("voice",)
    assert told(plugins) == ["locked: cannot be read: Permission denied"]


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(plugins: Plugins) -> None:
    """A FIFO is no regular file; nobody opens it."""
    folder = plugins.put("voice")
    (folder / "voice.py").unlink()
    os.mkfifo(folder / "voice.py")
    assert told(plugins, eager=True) == ["voice/voice.py: is not a regular file"]


@pytest.mark.parametrize("place", ["", "voice", "voice/plugin.yaml", "voice/voice.py"])
def test_what_anybody_can_write_to_is_not_a_plugin(plugins: Plugins, place: str) -> None:
    """The folder of plugins, that of a plugin, its manifest and its module: each must be the owner's to change."""
    plugins.put("voice")
    target = plugins.path / place
    target.chmod(target.stat().st_mode | 0o002)
    (problem,) = told(plugins, eager=True)
    assert "can be written by anybody" in problem


def test_what_is_loaded_is_checked_again(plugins: Plugins) -> None:
    """Between the look and the loading a plugin may change: to another version, but not to another plugin."""
    folder = plugins.put("voice")
    found = discover([plugins.path], packages=False)
    manifest = folder / "plugin.yaml"
    manifest.write_text(manifest.read_text().replace("1.0.0", "2.0.0"))
    loaded = found.load("voice")
    assert isinstance(loaded, Found)
    assert loaded.manifest.version == "2.0.0"
    manifest.write_text(manifest.read_text().replace("name: voice", "name: other"))
    assert isinstance(found.load("voice"), tuple)


def test_a_plugin_that_nobody_knows_is_named(plugins: Plugins) -> None:
    """The answer says which there are."""
    plugins.put("voice")
    found = discover([plugins.path], packages=False).load("vioce")
    assert isinstance(found, tuple)
    assert str(found[0]) == 'name: Invalid value: "vioce": there is no such plugin; found are: voice'


def test_an_installed_package_brings_its_plugin_without_being_imported(
    plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry point names a folder; neither the package nor the plugin in it is run."""
    site = tmp_path / "site"
    place = install(site, "brownout-voice", {"voice": "brownout_voice.inner"})
    (place / "__init__.py").write_text("raise SystemExit(3)\n")
    Plugins(place).put("inner").joinpath("plugin.yaml").write_text("name: voice\nversion: 3.0.0\nentry: inner.py\n")
    monkeypatch.syspath_prepend(site)
    plugins.put("other")
    found = discover([plugins.path])
    assert (found.order, found.problems) == (("other", "voice"), ())
    loaded = found.load("voice")
    assert isinstance(loaded, Found)
    assert (loaded.package, loaded.manifest.version, loaded.folder) == ("brownout-voice", "3.0.0", str(place / "inner"))


def test_no_package_takes_the_place_of_a_plugin(
    plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner's folder wins over a package, and of two packages with one name neither is taken."""
    site = tmp_path / "site"
    for distribution in ("one", "two", "three"):
        place = install(
            site, distribution, {"voice": distribution} if distribution == "one" else {"twin": distribution}
        )
        (place / "plugin.yaml").write_text("name: voice\nversion: 9.0.0\nentry: voice.py\n")
    monkeypatch.syspath_prepend(site)
    plugins.put("voice")
    found = discover([plugins.path])
    assert found.candidates["voice"].package == ""
    assert sorted(found.candidates) == ["voice"]
    assert sorted(problem.value for problem in found.problems) == ['"twin"', '"twin"', '"voice"']


@pytest.mark.parametrize("value", ["../voice", "a b", "nowhere_at_all", "json", "os.path"])
def test_an_entry_point_that_names_no_folder_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """A path, a package that is not there, a module of the standard library: told, and nothing is run."""
    install(tmp_path / "site", "brownout-odd", {"odd": value})
    monkeypatch.syspath_prepend(tmp_path / "site")
    found = discover([])
    assert found.candidates == {}
    assert len(found.problems) == 1
