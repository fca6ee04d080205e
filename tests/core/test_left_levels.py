"""Laws of levels that an owner leaves to a plugin: who fills them in, and that leaving them out is kept."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from brownout.api.integration import Integration, Level
from brownout.core.ladder import ladder_of, remembered_levels, with_levels
from tests.builders import make_integration

PLUGIN = {"plugin": {"name": "voice"}}
NAMES = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True, max_size=4)


def names(integration: Integration) -> list[str]:
    """The rungs of its ladder."""
    return [level.name for level in ladder_of(integration).levels]


@given(given_=st.none() | NAMES, known=NAMES, memory=st.none() | st.just("3Gi"))
def test_a_plugin_fills_in_only_what_its_owner_left_out(
    given_: list[str] | None, known: list[str], memory: str | None
) -> None:
    """An empty list says that there are to be none; a list of the owner's own goes before the plugin's."""
    spec: dict[str, Any] = {} if given_ is None else {"levels": [{"name": name} for name in given_]}
    spec |= {} if memory is None else {"memory": memory}
    for workload, counts in ((PLUGIN, True), ({"systemd": {"unit": "voice.service"}}, False)):
        voice = make_integration("voice", workload=workload, **spec)
        filled = with_levels(voice, tuple(Level(name=name, memory=2**20) for name in known))
        assert names(filled) == (known if counts and given_ is None else given_ or [])
        if counts and given_ is None and known:
            sizes = [level.memory for level in filled.spec.levels]
            assert sizes == [2**20 if memory is None else 3 * 2**30, *[2**20] * (len(known) - 1)]


@given(given_=st.none() | NAMES)
def test_what_was_left_out_stays_left_out_when_it_is_written_and_read(given_: list[str] | None) -> None:
    """The last good version of an object is read from its status file: it must not say more than its owner did."""
    spec: dict[str, Any] = {} if given_ is None else {"levels": [{"name": name} for name in given_]}
    voice = make_integration("voice", workload=PLUGIN, **spec)
    again = Integration.from_wire(voice.model_copy(update={"status": None}).to_wire())
    assert again.spec.levels_left_out == voice.spec.levels_left_out == (given_ is None)
    assert again.spec == voice.spec


def test_a_status_without_sense_fills_in_what_it_can() -> None:
    """Anybody may have edited it: a name that stands twice is one rung."""
    levels = [{"name": "a"}, {"name": "a"}, {"name": ""}]
    odd = make_integration("voice", workload=PLUGIN, status={"state": "Enabled", "levels": levels})
    assert len(remembered_levels(odd)) == len({level["name"] for level in levels})
