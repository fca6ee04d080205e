"""What a plugin's name stands for now: asked at each look, and looked for only when something has changed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from brownout.pluginhost import catalog
from brownout.pluginhost.catalog import Catalog
from brownout.pluginhost.discovery import Discovery, discover
from brownout.pluginhost.found import Found
from brownout.pluginhost.trust import TRUST_FILE, write_trust
from tests.pluginhost.folders import Plugins, install


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Path]]:
    """Each time that all folders were looked through."""
    found: list[Sequence[Path]] = []

    def counted(folders: Sequence[Path], **options: Any) -> Discovery:
        found.append(folders)
        return discover(folders, **options)

    monkeypatch.setattr(catalog, "discover", counted)
    return found


def test_twenty_that_are_asked_about_together_are_looked_for_once(
    plugins: Plugins, tmp_path: Path, looks: list[Sequence[Path]]
) -> None:
    """And not again while nothing changes; one that has changed is read anew, alone."""
    names = [f"plugin-{at}" for at in range(20)]
    for name in names:
        plugins.put(name)
    known = Catalog([plugins.path], tmp_path)
    for _ in range(2):
        assert all(isinstance(known.plugin(name), Found) for name in names)
    assert len(looks) == 1
    (plugins.path / "plugin-3/plugin_3.py").write_text("changed = True\n")
    changed = [known.plugin(name) for name in names][3]
    assert isinstance(changed, Found)
    assert changed.module_bytes == b"changed = True\n"
    assert len(looks) == 2


def test_files_come_to_rest_side_by_side(plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred plugins that are new are not waited for one after the other, which takes five seconds."""
    for name in ("voice", "android"):
        plugins.put(name)
    resting = Barrier(2, timeout=5.0)
    monkeypatch.setattr(catalog, "rest", resting.wait)
    known = Catalog([plugins.path], tmp_path)
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(known.plugin, ("voice", "android")))
    assert all(isinstance(each, Found) for each in found)


def test_what_its_owner_trusts_from_now_on_is_noticed(plugins: Plugins, tmp_path: Path) -> None:
    """And what he no longer does: nobody restarts a controller for that."""
    plugins.put("voice")
    known = Catalog([plugins.path], tmp_path, always=True)
    assert "is not trusted" in str(known.plugin("voice"))
    found = discover([plugins.path]).load("voice")
    assert isinstance(found, Found)
    write_trust(tmp_path, [found])
    assert known.plugin("voice") == found
    (tmp_path / TRUST_FILE).unlink()
    assert "is not trusted" in str(known.plugin("voice"))


def test_an_installed_package_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that brings a plugin which was missing until then: whoever installs it need not restart the controller."""
    site, folders = tmp_path / "site", tmp_path / "plugins"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    known = Catalog([folders], tmp_path)
    assert "there is no such plugin" in str(known.plugin("ears"))
    place = install(site, "some-ears", {"ears": "some_ears.ears"})
    Plugins(place).put("ears")
    assert "is not trusted" in str(known.plugin("ears"))


def test_what_is_mended_elsewhere_is_noticed(plugins: Plugins, tmp_path: Path) -> None:
    """A plugin rests on those that it requires: one that comes, goes or is broken later changes the answer."""
    plugins.put("voice", requires=["ears"])
    known = Catalog([plugins.path], tmp_path)
    assert "requires[0]" in str(known.plugin("voice"))
    ears = plugins.put("ears", requires=["air"])
    assert "requires[0]" in str(known.plugin("voice"))
    plugins.put("air")
    assert isinstance(known.plugin("voice"), Found)
    (ears / "plugin.yaml").rename(ears / "away")
    assert "requires[0]" in str(known.plugin("voice"))
    (ears / "away").rename(ears / "plugin.yaml")
    assert isinstance(known.plugin("voice"), Found)


def test_one_that_appears_later_is_found(plugins: Plugins, tmp_path: Path) -> None:
    """Also where its folder was there before it, empty, and where the folder of all was not."""
    known = Catalog([plugins.path, tmp_path / "later"], tmp_path)
    assert "there is no such plugin" in str(known.plugin("voice"))
    (plugins.path / "voice").mkdir()
    assert "there is no such plugin" in str(known.plugin("voice"))
    plugins.put("voice")
    assert isinstance(known.plugin("voice"), Found)
    assert "there is no such plugin" in str(known.plugin("ears"))
    Plugins(tmp_path / "later").put("ears")
    assert isinstance(known.plugin("ears"), Found)
