"""Laws of what may be shown of a plugin's config: what its manifest lets be shown, and nothing that nobody spoke of."""

from hypothesis import given
from hypothesis import strategies as st

from brownout.engine.secrecy import COVER, Secrecy
from tests.builders import make_integration

NAMES = st.sampled_from(["pin", "phrase", "channel", "model", "cache"])
CONFIGS = st.dictionaries(NAMES, st.sampled_from(["canary", ["canary"], {"a": {"b": "canary"}}, 4711]))


@given(config=CONFIGS, level=CONFIGS, shown=st.frozensets(NAMES))
def test_only_what_was_disclosed_is_shown(
    config: dict[str, object], level: dict[str, object], shown: frozenset[str]
) -> None:
    """At every level, whatever the value is; the names stay, for they say what is configured."""
    workload = {"plugin": {"name": "voice", "config": config}}
    voice = make_integration("voice", workload=workload, levels=[{"name": "large", "config": level}])
    secrecy = Secrecy()
    secrecy.disclose("voice", shown)
    covered = secrecy.covered("voice", voice)
    assert covered.spec.workload.plugin is not None
    for before, after in ((config, covered.spec.workload.plugin.config), (level, covered.spec.levels[0].config)):
        assert after == {name: value if name in shown else COVER for name, value in before.items()}
    assert voice.spec.workload.plugin is not None
    assert voice.spec.workload.plugin.config == config


def test_of_what_is_not_known_nothing_is_shown() -> None:
    """Before the manifest was read, and of a successor after it was forgotten. What runs no plugin is not touched."""
    workload = {"plugin": {"name": "voice", "config": {"channel": "music"}}}
    voice, program = make_integration("voice", workload=workload), make_integration("program")
    secrecy = Secrecy()
    secrecy.disclose("another", frozenset({"channel"}))
    hidden = secrecy.covered("voice", voice)
    assert hidden.spec.workload.plugin is not None
    assert hidden.spec.workload.plugin.config == {"channel": COVER}
    secrecy.disclose("voice", frozenset({"channel"}))
    assert secrecy.covered("voice", voice) == voice
    secrecy.forget("voice")
    assert secrecy.covered("voice", voice) == hidden
    assert secrecy.covered("program", program) is program
