"""What every UsageMeter promises, on the counts and on the fake."""

from collections.abc import Callable
from typing import Protocol

import pytest

from brownout.engine.usage_counts import Told, UsageCounts, UsageMeter
from tests.fakes import FakeUsageMeter


class Meter(UsageMeter, Protocol):
    """A meter that can be told of use."""

    def count(self, key: str, *, tokens: int = 0, api_calls: int = 0) -> None:
        """So much was used."""
        ...


@pytest.fixture(params=[UsageCounts, FakeUsageMeter], ids=["counts", "fake"])
def meter(request: pytest.FixtureRequest) -> Meter:
    """Each kind of meter, new."""
    make: Callable[[], Meter] = request.param
    return make()


def test_what_was_told_is_given_once(meter: Meter) -> None:
    """By integration, summed since the last call; then there is nothing more."""
    meter.count("voice", tokens=30, api_calls=1)
    meter.count("voice", tokens=12)
    meter.count("discord", api_calls=2)
    assert dict(meter.take()) == {"voice": Told(tokens=42, api_calls=1), "discord": Told(api_calls=2)}
    assert dict(meter.take()) == {}


@pytest.mark.parametrize("nonsense", [-1, 2**53 + 1, -(2**80)])
def test_what_makes_no_sense_counts_as_none(meter: Meter, nonsense: int) -> None:
    """Usage never falls, and one broken count does not end a budget; what came with it counts."""
    meter.count("voice", tokens=nonsense, api_calls=1)
    assert dict(meter.take()) == {"voice": Told(api_calls=1)}


def test_a_sum_stays_within_what_everybody_can_hold(meter: Meter) -> None:
    """A count that reaches 2^53 stays there."""
    meter.count("voice", tokens=2**53)
    meter.count("voice", tokens=2**53)
    assert meter.take()["voice"].tokens == 2**53
