"""The plugin to copy: `plugins/example` of the repository, with another name. It comes with the package."""

import keyword
import sys
from collections.abc import Mapping
from importlib import resources
from string import Template
from typing import Final

from pydantic_core import PydanticCustomError

from brownout.api.problems import shown
from brownout.api.workload import PLUGIN_NAME
from brownout.core.errors import InvalidInput

__all__ = ["template_files"]

#: The file of the template for each of the plugin's.
_FILES: Final = {
    "plugin.yaml": "plugin.yaml.txt",
    "{module}.py": "module.py.txt",
    "README.md": "README.md.txt",
    "test_{module}.py": "test.py.txt",
}


def template_files(name: str) -> Mapping[str, str]:
    """The files of a new plugin, by their names. Raises InvalidInput for a name that no plugin can have."""
    module = name.replace("-", "_")
    try:
        PLUGIN_NAME.accept(name, wire=True)
    except PydanticCustomError:
        raise InvalidInput(f"{shown(name)} is no name for a plugin", advice=PLUGIN_NAME.allowed) from None
    if keyword.iskeyword(module) or module in sys.stdlib_module_names or not module.isidentifier():
        advice = "it would be a file that Python cannot import, or takes for one of its own"
        raise InvalidInput(f"{shown(name)} is no name for a plugin", advice=advice)
    folder = resources.files("brownout.pluginhost") / "template_files"
    title = "".join(part.capitalize() for part in module.split("_"))
    words = {"name": name, "module": module, "title": title, "variable": module.upper()}
    return {
        file.format(module=module): Template((folder / source).read_text("utf-8")).substitute(words)
        for file, source in _FILES.items()
    }
