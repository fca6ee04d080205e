"""A plugin as it was found: its manifest and the very bytes that would run, with the hash that trust is about.

What is run are these bytes, handed to the worker, and not a file that is opened once more: between a check and a second
opening a file can be exchanged, and beside a file may lie a `.pyc` that nobody checked.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from brownout.pluginhost.manifest import MANIFEST, Manifest

__all__ = ["Found", "digest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One version of a plugin. `folder` is where it lies; `package` the installed one it came with, or empty."""

    manifest: Manifest
    module_bytes: bytes = field(repr=False)
    sha256: str
    folder: str
    package: str = ""

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.manifest.name


def digest(module: str, manifest_bytes: bytes, module_bytes: bytes) -> str:
    """The hash of a plugin; `module` is the file's name. By hand: `sha256sum plugin.yaml voice.py | sha256sum`."""
    lines = ((MANIFEST, manifest_bytes), (module, module_bytes))
    listed = "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in lines)
    return sha256(listed.encode()).hexdigest()
