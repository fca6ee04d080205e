"""The fault line: adapters are made before there is anybody to tell; what fails meanwhile is kept until there is."""

from collections import deque

from brownout.engine.observers import Observers


class FaultLine:
    """Passes faults on to the observers, those from before they were there first. Called from any thread."""

    def __init__(self) -> None:
        self._early: deque[tuple[str, str]] = deque(maxlen=100)
        self._observers: Observers | None = None

    def __call__(self, where: str, message: str) -> None:
        """Something of the world failed and was contained."""
        if self._observers is None:
            self._early.append((where, message))
        else:
            self._observers.on_fault(where, message)

    def connect(self, observers: Observers) -> None:
        """From now on observers are told."""
        self._observers = observers
        while self._early:
            observers.on_fault(*self._early.popleft())
