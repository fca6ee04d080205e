"""The list of hashes: what it lets run, what it refuses, and what becomes of it when it is broken."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from brownout.core.errors import InvalidInput
from brownout.pluginhost.discovery import discover
from brownout.pluginhost.found import Found
from brownout.pluginhost.trust import TRUST_FILE, TrustList, read_trust, write_trust
from tests.pluginhost.folders import Plugins


def load(plugins: Plugins, name: str = "voice") -> Found:
    """A plugin as it lies there now."""
    found = discover([plugins.path], packages=False).load(name)
    assert isinstance(found, Found)
    return found


def test_on_a_box_the_owners_own_plugins_run_until_there_is_a_list(plugins: Plugins, tmp_path: Path) -> None:
    """Without a list the folder's plugins run and a package's do not; with one, only what is on it."""
    plugins.put("voice")
    plugins.put("other")
    found = load(plugins)
    before = read_trust(tmp_path / "state", always=False)
    assert before.refusal(found) == ""
    assert "is not trusted" in before.refusal(replace(found, package="brownout-voice"))
    write_trust(tmp_path / "state", [found])
    after = read_trust(tmp_path / "state", always=False)
    assert after.refusal(found) == after.refusal(replace(found, package="brownout-voice")) == ""
    assert after.refusal(load(plugins, "other")) == (
        "is not trusted: look at it, then run `brownout plugins trust other`"
    )


def test_where_it_always_counts_nothing_runs_that_is_not_on_the_list(plugins: Plugins, tmp_path: Path) -> None:
    """A home that asks for that has no plugins without a list."""
    plugins.put("voice")
    assert "is not trusted" in read_trust(tmp_path, always=True).refusal(load(plugins))
    write_trust(tmp_path, [load(plugins)])
    assert read_trust(tmp_path, always=True).refusal(load(plugins)) == ""


@pytest.mark.parametrize("file", ["voice.py", "plugin.yaml"])
def test_one_changed_byte_is_another_plugin(plugins: Plugins, tmp_path: Path, file: str) -> None:
    """In the module or in the manifest, which says what it may do; both hashes are named."""
    folder = plugins.put("voice")
    trusted = load(plugins)
    listed = write_trust(tmp_path, [trusted])
    (folder / file).write_text((folder / file).read_text() + "\n")
    changed = load(plugins)
    assert listed.refusal(changed) == (
        f"is not the one that was trusted (its hash is {changed.sha256}, and {trusted.sha256} is on the list): "
        "look at it, then run `brownout plugins trust voice`"
    )


def test_an_older_version_is_not_trusted_any_more(plugins: Plugins, tmp_path: Path) -> None:
    """Trust in a new version takes that in the old one away; that in other plugins stays."""
    plugins.put("other")
    folder = plugins.put("voice")
    old = load(plugins)
    write_trust(tmp_path, [old, load(plugins, "other")])
    (folder / "voice.py").write_text("# mended\n")
    listed = write_trust(tmp_path, [load(plugins)])
    assert listed.refusal(load(plugins)) == ""
    assert listed.refusal(old)
    assert read_trust(tmp_path, always=False) == listed
    assert listed.refusal(load(plugins, "other")) == ""


def test_the_hash_of_one_plugin_is_no_ticket_for_another(plugins: Plugins, tmp_path: Path) -> None:
    """A hash counts for the name that it stands beside."""
    plugins.put("voice")
    plugins.put("other")
    other = load(plugins, "other")
    trusted = TrustList(hashes={"voice": other.sha256}, enforced=True)
    assert trusted.refusal(other)
    assert trusted.refusal(load(plugins))


def test_two_who_trust_at_once_take_nothing_from_each_other(plugins: Plugins, tmp_path: Path) -> None:
    """Each reads and writes the list without the others in between: at the end all stand there."""
    names = [f"plugin-{at}" for at in range(12)]
    for name in names:
        plugins.put(name)
    founds = [load(plugins, name) for name in names]
    with ThreadPoolExecutor(len(names)) as people:
        list(people.map(lambda found: write_trust(tmp_path, [found]), founds))
    assert sorted(read_trust(tmp_path, always=False).hashes) == sorted(names)


def test_the_list_is_its_owners_alone(plugins: Plugins, tmp_path: Path) -> None:
    """Its mode is 0600, and one that anybody could write to is not believed."""
    plugins.put("voice")
    write_trust(tmp_path, [load(plugins)])
    file = tmp_path / TRUST_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o666)
    assert "can be written by anybody" in read_trust(tmp_path, always=False).refusal(load(plugins))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plugins: [",
        "plugins: []",
        "voice: abc",
        "plugins: {voice: abc}",
        f"plugins: {{voice: {'A' * 64}}}",
        "!!python/object:os.system x",
    ],
)
def test_a_broken_list_trusts_nothing_and_is_not_written_over(plugins: Plugins, tmp_path: Path, text: str) -> None:
    """Half a list is none: nothing runs, the reason is said, and what stands there is left for its owner to mend."""
    plugins.put("voice")
    (tmp_path / TRUST_FILE).write_text(text)
    listed = read_trust(tmp_path, always=False)
    assert listed.refusal(load(plugins))
    if listed.problems:
        with pytest.raises(InvalidInput, match="mend it"):
            write_trust(tmp_path, [load(plugins)])
        assert (tmp_path / TRUST_FILE).read_text() == text


def test_a_link_in_the_place_of_the_list_is_not_followed(plugins: Plugins, tmp_path: Path) -> None:
    """A list somewhere else is somebody else's list."""
    plugins.put("voice")
    state, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    for folder in (state, elsewhere):
        folder.mkdir()
    write_trust(elsewhere, [load(plugins)])
    (state / TRUST_FILE).symlink_to(elsewhere / TRUST_FILE)
    assert read_trust(state, always=False).refusal(load(plugins))
