"""A host that is going to be killed: `python -m tests.pluginhost.killed FOLDER` runs the plugin.py that lies there.

It tells the plugin to fork two children, prints what it answered, and waits for its end.
"""

import asyncio
import sys
from pathlib import Path

from brownout.pluginhost.host import PluginHost
from tests.pluginhost.stage import Stage


def main(root: Path) -> None:
    """Run."""
    stage = Stage(root)
    launch = stage.launch("wild", (root / "plugin.py").read_text(), needs={"programs": ["sh"]})

    async def story(host: PluginHost) -> None:
        await host.start(launch)
        print((await stage.ask(host, "wild", "forks(2)")).body, flush=True)
        await asyncio.Event().wait()

    stage.live(story)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
