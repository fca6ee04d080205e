"""What plugins require of each other while they run: who comes up first, and what is said where something is not up.

`requires` names plugins; an integration runs each. A plugin comes up after what it requires is up, and what of that
sleeps is woken first. What loses something that it requires runs on and says so: it may do some of its work, and its
own health tells whether it does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from brownout.core.wording import listing
from brownout.pluginhost.dependencies import order_of
from brownout.pluginhost.keeper import Keeper
from brownout.pluginhost.launch import PluginLaunch
from brownout.pluginhost.manifest import Manifest

__all__ = ["Requiring"]

_NOBODY: Final = 'the plugin "{name}", which no integration runs'


class Requiring:
    """Knows which integration runs which plugin, declared or started, and asks their keepers.

    `refusal` says why what sleeps may not start now, all of them together; empty where it may.
    """

    def __init__(self, keepers: Mapping[str, Keeper], refusal: Callable[[Sequence[str]], str]) -> None:
        self._keepers = keepers
        self._refusal = refusal
        self._runs: dict[str, str] = {}

    def declare(self, key: str, plugin: str) -> None:
        """An integration runs this plugin."""
        self._runs[key] = plugin

    def forget(self, key: str) -> None:
        """It is no longer declared."""
        self._runs.pop(key, None)

    def needs(self, key: str, manifest: Manifest) -> tuple[str, ...]:
        """Keys of the integrations that run what a plugin requires itself, as far as there are any."""
        found = (self._runner(key, name) for name in manifest.requires)
        return tuple(each for each in found if each is not None)

    def unrun(self, key: str, manifest: Manifest) -> str:
        """Which plugins it requires that nobody runs, in words; empty where each has an integration."""
        names = [_NOBODY.format(name=name) for name in manifest.requires if self._runner(key, name) is None]
        return f"it requires {listing(names)}" if names else ""

    def lacking(self, key: str, manifest: Manifest) -> str:
        """What a plugin requires and what is not up, and why; empty where all of it is. It is no figure that moves."""
        found = [why for name in manifest.requires if (why := self._down(key, name))]
        return f"it requires {listing(found)}" if found else ""

    def _down(self, key: str, name: str) -> str:
        runner = self._runner(key, name)
        if runner is None:
            return _NOBODY.format(name=name)
        keeper = self._keepers.get(runner)
        if keeper is None or keeper.off:
            return f"{runner}, which is off"
        return f"{runner}, which has failed" if keeper.failed else ""

    # --- coming up ---------------------------------------------------------------------------------------------------

    def chain(self, launch: PluginLaunch) -> tuple[str, ...] | str:
        """Keys of all that it requires, directly or not, each after what that requires; or why it cannot come up."""
        own, found, keys = launch.found.name, {launch.found.name: launch.found.manifest}, dict[str, str]()
        todo = [launch.found.manifest]
        while todo:
            for name in todo.pop().requires:
                if name not in found:
                    if why := self._down(launch.key, name):
                        return f"it requires {why}"
                    keys[name], found[name] = self._known(launch.key, name)
                    todo.append(found[name])
        order = order_of(found)
        if own in order.problems:
            return str(order.problems[own][0])
        return tuple(keys[name] for name in order.names if name != own)

    def asleep(self, launch: PluginLaunch) -> tuple[str, ...] | str:
        """What sleeps of that, in the order in which it is to be woken; or why it cannot come up."""
        chain = self.chain(launch)
        return chain if isinstance(chain, str) else tuple(key for key in chain if self._keepers[key].asleep)

    def admitted(self, launch: PluginLaunch, *, itself: bool) -> str:
        """Wake what it requires and what sleeps, if all of that may start together; why not, empty where they do.

        `itself`: it sleeps too, and is asked about with them. Nothing is waited for.
        """
        sleepers = self.asleep(launch)
        if isinstance(sleepers, str):
            return sleepers
        asked = (*sleepers, launch.key) if itself else sleepers
        if asked and (why := self._refusal(asked)):
            return why
        for key in sleepers:
            self._keepers[key].wake()
        return ""

    async def ready(self, launch: PluginLaunch) -> str:
        """Return once what it requires is up, which wakes it; why it is not, empty where it is."""
        if not launch.found.manifest.requires:
            return ""
        if why := self.admitted(launch, itself=False):
            return why
        chain = self.chain(launch)
        if isinstance(chain, str):
            return chain
        # Looked up at once: one that is withdrawn while another is waited for is off, and whoever has its name then is
        # not the one that was woken here.
        for key, keeper in [(key, self._keepers[key]) for key in chain]:
            if why := await keeper.up():
                return f"it requires {key}, which does not come up: {why}"
        return ""

    def _known(self, key: str, name: str) -> tuple[str, Manifest]:
        runner = self._runner(key, name) or ""
        launch = self._keepers[runner].launch
        assert launch is not None  # noqa: S101 - it is not off, so it was started
        return runner, launch.found.manifest

    def _runner(self, key: str, name: str) -> str | None:
        """Who runs a plugin for an integration, in its own namespace: of several one that is on, else the first."""
        runners = sorted(self._runners(key, name))
        on = (each for each in runners if each in self._keepers and not self._keepers[each].off)
        return next(on, next(iter(runners), None))

    def _runners(self, key: str, name: str) -> Iterator[str]:
        home = key.rpartition("/")[0]
        return (each for each, runs in self._runs.items() if runs == name and each.rpartition("/")[0] == home)
