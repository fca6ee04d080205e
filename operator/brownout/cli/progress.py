"""A progress bar on standard error, where somebody watches: on a terminal, and nowhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# The bar is told every so many steps: a step takes less than drawing it.
STRIDE = 64


@contextmanager
def progress(what: str, steps: int) -> Iterator[Callable[[], None] | None]:
    """What to call after each step; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - a tenth of a second, wanted only here
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task, done = bar.add_task(what, total=steps), 0

        def step() -> None:
            nonlocal done
            done += 1
            if done % STRIDE == 0:
                bar.advance(task, STRIDE)

        yield step
