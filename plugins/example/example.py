"""A plugin that greets, and remembers how often it has greeted whom. The contract stands in brownout/plugin.py."""

from collections.abc import Mapping
from typing import Any

from brownout.plugin import Context, Health, Request, Response


class Example:
    """One greeter, with its own memory."""

    def __init__(self) -> None:
        self._greeting = ""
        self._most = 0
        self._counts: dict[str, int] = {}

    def initialize(self, config: Mapping[str, Any], context: Context) -> None:
        """Take the config, which was checked against plugin.yaml and has its defaults."""
        self._context = context
        self._greeting = config["greeting"]
        self._most = config["most"]

    def health_check(self) -> Health:
        """Say whether all is well; where it is not, what is missing."""
        full = len(self._counts) >= self._most
        return Health(ok=True, message="the memory is full: new people are greeted as strangers" if full else "")

    def handle_request(self, request: Request) -> Response:
        """Greet whom the body names."""
        name = request.body.get("name") if isinstance(request.body, dict) else None
        if not isinstance(name, str) or not name:
            return Response(refused='the body must be {"name": ...}')
        count = self._counted(name)
        if self._context.level == "brief":
            return Response({"text": f"{self._greeting}!"})
        return Response({"text": f"{self._greeting}, {name}!", "times": count})

    def set_level(self, level: str) -> None:
        """Change the quality, between two requests. `context.level` has changed already; here is the place to free."""
        self._context.log(f"now at level {level}")

    def export_state(self) -> dict[str, int]:
        """Give what the next version shall know."""
        return self._counts

    def import_state(self, state: Any) -> None:
        """Take what the last version knew; it may have been another one, so it is looked at."""
        if isinstance(state, dict):
            self._counts = {str(name): count for name, count in state.items() if isinstance(count, int)}

    def shutdown(self) -> None:
        """Let go of everything."""
        self._counts.clear()

    def _counted(self, name: str) -> int:
        if name in self._counts or len(self._counts) < self._most:
            self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts.get(name, 1)
