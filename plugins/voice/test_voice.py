"""What voice promises, with a double of its programs, and once with the real one where it is installed."""

from __future__ import annotations

import base64
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from brownout.pluginhost.trial import Trial

HERE = Path(__file__).parent
#: Speaks a tenth of a second for each letter, at 8000 bytes a second.
SPEAK = """
import struct, sys
text = sys.stdin.read()
data = bytes(800 * len(text))
head = (b"RIFF", 0x7ffff024, b"WAVE", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", 0x7ffff000)
head = struct.pack("<4sI4s4sIHHIIHH4sI", *head)
sys.stdout.buffer.write(head + data)
"""
HEAR = "import sys\nprint(' I heard', len(sys.stdin.buffer.read()), 'bytes\\n')\n"


def program(folder: Path, name: str, lines: str) -> str:
    """A program of these lines; answers its path."""
    file = folder / name
    file.write_text(f"#!{sys.executable} -ISs\n{lines}")
    file.chmod(0o755)
    return str(file)


def wav(seconds: float) -> bytes:
    """A WAV of silence."""
    head = (b"RIFF", 0, b"WAVE", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", 0)
    return struct.pack("<4sI4s4sIHHIIHH4sI", *head) + bytes(int(8000 * seconds))


def voice(folder: Path, level: str = "small", **config: Any) -> Trial:
    """It, with a double that speaks."""
    speak = program(folder, "speak", SPEAK)
    return Trial(HERE, {"smallProgram": speak, "smallArguments": [], **config}, level=level)


def test_what_is_said_is_answered_as_sound(tmp_path: Path) -> None:
    """WAV in base64, with its length as it is and not as the stream's header guesses."""
    with voice(tmp_path) as plugin:
        body = plugin.ask({"operation": "say", "text": "hello"}).body
    assert base64.b64decode(body["audio"])[:4] == b"RIFF"
    assert (body["text"], body["seconds"], body["spoken"], body["level"]) == ("hello", 0.5, False, "small")


def test_at_level_text_no_program_runs(tmp_path: Path) -> None:
    """The same request is answered in text, whether anything is installed or not, and it is well."""
    with voice(tmp_path, "text", smallProgram="no-such-program") as plugin:
        assert plugin.ask({"operation": "say", "text": "hello"}).body == {
            "text": "hello",
            "spoken": False,
            "level": "text",
        }
        assert plugin.health().ok


def test_each_level_has_its_program_and_a_switch_takes_effect_at_once(tmp_path: Path) -> None:
    """Large has one of its own where the config names it, and else that of small."""
    large = program(tmp_path, "large", SPEAK)
    with voice(tmp_path, "large", largeProgram=large) as plugin:
        engines = []
        for level in ("large", "small", "text", "large"):
            plugin.set_level(level)
            engines.append(plugin.ask({"operation": "say", "text": "a"}).body.get("engine"))
    small = str(tmp_path / "speak")
    assert engines == [large, small, None, large]
    with voice(tmp_path, "large") as plugin:
        assert plugin.ask({"operation": "say", "text": "a"}).body["engine"] == small


def test_a_player_gets_the_sound(tmp_path: Path) -> None:
    """With one in the config the sound is played and not answered."""
    heard = tmp_path / "heard"
    play = program(tmp_path, "play", f"import sys\nopen({str(heard)!r}, 'wb').write(sys.stdin.buffer.read())\n")
    with voice(tmp_path, playProgram=play, playArguments=[]) as plugin:
        body = plugin.ask({"operation": "say", "text": "hello"}).body
    assert (body["spoken"], "audio" in body) == (True, False)
    assert heard.read_bytes()[:4] == b"RIFF"


def test_what_is_said_never_becomes_an_argument(tmp_path: Path) -> None:
    """Text goes in on standard input: neither an option nor a command can be smuggled in."""
    show = program(tmp_path, "show", f"import sys\nassert len(sys.argv) == 1\n{SPEAK}")
    with voice(tmp_path, smallProgram=show) as plugin:
        for text in ("--version", "-f /etc/passwd", "$(reboot)", "; reboot"):
            assert plugin.ask({"operation": "say", "text": text}).body["seconds"] == round(0.1 * len(text), 2)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("import sys\nsys.exit('no voice of that name')\n", "ended with 1: no voice of that name"),
        ("import sys\nsys.stdin.read()\nprint('hello')\n", "what was written is no WAV"),
        ("import sys\nsys.stdout.buffer.write(bytes(5 * 2**20))\n", "wrote more than 4 MiB"),
        ("import signal\nsignal.pause()\n", "has not ended after 0.2 s"),
    ],
)
def test_a_program_that_fails_costs_the_sound_and_not_the_words(tmp_path: Path, lines: str, reason: str) -> None:
    """The text is answered, with the reason, and the plugin goes on."""
    speak = program(tmp_path, "broken", lines)
    patience = "200ms" if "pause" in lines else "15s"
    with voice(tmp_path, smallProgram=speak, patience=patience) as plugin:
        body = plugin.ask({"operation": "say", "text": "hello"}).body
        assert (body["text"], body["spoken"]) == ("hello", False)
        assert reason in body["missing"]
        assert plugin.logged[-1][0] == "warning"


def test_without_its_program_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The health check names the program and how to get it; what is said is answered as text."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with Trial(HERE, level="small") as plugin:
        sentence = "the program espeak-ng is not installed: on Debian and Ubuntu: apt-get install espeak-ng"
        assert plugin.health() == (False, sentence)
        assert plugin.ask({"operation": "say", "text": "hello"}).body["missing"] == sentence


def test_what_is_heard_is_answered_as_text(tmp_path: Path) -> None:
    """The program gets the WAV, and its words come back on one line."""
    hear = program(tmp_path, "hear", HEAR)
    sound = base64.b64encode(wav(0.1)).decode()
    with voice(tmp_path, hearProgram=hear) as plugin:
        assert plugin.ask({"operation": "hear", "audio": sound}).body == {"text": "I heard 844 bytes"}
        for nonsense in (None, "", "!", base64.b64encode(b"hello").decode()):
            assert plugin.ask({"operation": "hear", "audio": nonsense}).refused == "audio must be WAV in base64"
    with voice(tmp_path) as plugin:
        assert "names no hearProgram" in plugin.ask({"operation": "hear", "audio": sound}).refused


@pytest.mark.parametrize(
    "body", [None, {}, {"operation": "sing"}, {"operation": "say"}, {"operation": "say", "text": " "}]
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, body: Any) -> None:
    """In words that say what would be right."""
    with voice(tmp_path) as plugin:
        assert "must be" in plugin.ask(body).refused
        assert "must be" in plugin.ask({"operation": "say", "text": "x" * 1001}).refused


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed (CI installs it)")
def test_the_real_engine_speaks() -> None:
    """espeak-ng as it is installed, with what the plugin ships as its settings."""
    with Trial(HERE, level="small") as plugin:
        assert plugin.health().ok
        body = plugin.ask({"operation": "say", "text": "The lamps are dimmed before the fuse blows."}).body
    assert 1.0 < body["seconds"] < 10.0
    assert len(base64.b64decode(body["audio"])) > 20_000
