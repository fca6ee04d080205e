"""docs/plugins.md says what plugins can declare, and its plugin runs as it stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path

import pytest
from pydantic import BaseModel

from brownout.pluginhost.manifest import Manifest
from brownout.pluginhost.needs import Files, Limits, Needs, Network
from brownout.pluginhost.setting import Kind, Setting
from tests.checkout import ROOT

PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The text of every block in this language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def names(model: type[BaseModel]) -> Iterator[str]:
    """The fields of a part of the manifest, as they are written."""
    yield from (field.alias or name for name, field in model.model_fields.items())


def test_every_field_of_a_manifest_is_told() -> None:
    """Those of the manifest, its needs, its limits and its settings."""
    top = {f"`{name}`" for name in names(Manifest)} - {"`needs`", "`limits`"}
    needs = {f"`needs.{name}`" for name in names(Needs)} | {f"`limits.{name}`" for name in names(Limits)}
    parts = {f"`{name}`" for model in (Network, Files, Setting) for name in names(model)} - {"`resolve`"}
    kinds = {f"`{kind}`" for kind in Kind}
    assert sorted(word for word in top | needs | parts | kinds if word not in PAGE) == []
    assert "`resolve: true`" in PAGE


def test_the_plugin_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its manifest, its file and its test, as they stand there."""
    _, manifest = blocks("yaml")
    module, trial = blocks("python")
    folder = tmp_path / "weather"
    folder.mkdir()
    (folder / "plugin.yaml").write_text(manifest)
    (folder / "weather.py").write_text(module)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "try_weather.py").write_text(trial)
    run_path("try_weather.py")
