"""What plugins write into the controller's log: kept while it is little, counted where it is too much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.pluginhost.host import PluginHost
from brownout.pluginhost.notes import MOST_AT_ONCE, PER_S, Notes
from tests.eventually import eventually_async
from tests.pluginhost.stage import Stage


@given(st.lists(st.floats(0.0, 30.0), max_size=400))
def test_no_line_is_lost_uncounted_and_no_plugin_writes_without_end(pauses: list[float]) -> None:
    """What is kept is bounded by the time; kept and left out are all that was written."""
    now, heard = 1e9, list[str]()
    notes = Notes(lambda _key, _severity, message: heard.append(message))
    for at, pause_s in enumerate(pauses):
        now += pause_s
        notes.hear("voice", "info", str(at), now=now)
    kept = [line for line in heard if line.isdecimal()]
    told = sum(int(line.partition(" ")[0]) for line in heard if not line.isdecimal())
    assert len(kept) <= MOST_AT_ONCE + PER_S * (now - 1e9)
    assert kept == sorted(kept, key=int)
    allowance = notes._allowances.get("voice")
    assert len(kept) + told + (allowance.left_out if allowance else 0) == len(pauses)


def test_a_long_silence_saves_up_no_more_than_one_outburst() -> None:
    """A day without a line is no licence for 170 000 at once."""
    heard = list[str]()
    notes = Notes(lambda _key, _severity, message: heard.append(message))
    notes.hear("voice", "info", "first", now=1e9)
    for _ in range(2 * MOST_AT_ONCE):
        notes.hear("voice", "info", "x", now=1e9 + 86_400.0)
    assert heard.count("x") == MOST_AT_ONCE


def test_one_that_writes_without_end_costs_no_other_a_line() -> None:
    """Each has an allowance of its own; that lines are left out is told, but not with each."""
    heard = list[tuple[str, str]]()
    notes = Notes(lambda key, _severity, message: heard.append((key, message)))
    for second in range(50):
        for _ in range(100):
            notes.hear("loud", "info", "x", now=1e9 + second)
        notes.hear("quiet", "info", "here", now=1e9 + second)
    assert heard.count(("quiet", "here")) == 50
    told = [message for key, message in heard if key == "loud" and "left out" in message]
    assert len(told) == 1
    assert 200 <= len(heard) <= 260


@pytest.mark.parametrize("line", ["x", "y" * 5000])
def test_a_plugin_in_a_loop_fills_no_log(stage: Stage, line: str) -> None:
    """A real one, in a thread: what it writes is bounded, and it still answers."""
    source = f"""
    import threading
    def initialize(config, context):
        def write():
            while True: context.log({line!r})
        threading.Thread(target=write, daemon=True).start()
    """

    async def story(host: PluginHost) -> None:
        await host.start(stage.launch("loud", source))

        async def full() -> bool:
            allowance = host._notes._allowances.get("loud")
            return allowance is not None and allowance.left_out > 20

        assert await eventually_async(full)
        assert (await stage.ask(host, "loud", 1)).body == 1

    stage.live(story)
    assert MOST_AT_ONCE <= len(stage.notes) < 2 * MOST_AT_ONCE
