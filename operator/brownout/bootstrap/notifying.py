"""Who is told outside: the hooks of a policy, imported only once one asks for them (HTTP and TLS take 5 MB)."""

from collections.abc import Callable, Sequence

from brownout.api.notify import Notify
from brownout.engine.hook import Hook


def hooks(*, programs: bool) -> Callable[[Notify], Sequence[Hook]]:
    """What makes the hooks of a policy. `programs`: whether this home runs programs that an owner names."""

    def made(notify: Notify) -> Sequence[Hook]:
        if not notify.anybody:
            return ()
        from brownout.telemetry.hooks import hooks_of  # noqa: PLC0415

        return hooks_of(notify, programs=programs)

    return made
