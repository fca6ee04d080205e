"""`brownout plugins`: what a person sees of plugins before any of them runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from brownout.pluginhost.sandbox import Aspect
from brownout.pluginhost.trial import Trial
from tests.box.stage import brownout_argv
from tests.checkout import ROOT
from tests.cli.typed import typed
from tests.pluginhost.folders import Plugins


def put(home: Path) -> Plugins:
    """A folder with one plugin that stands."""
    plugins = Plugins(home / "plugins")
    plugins.put("voice", more="description: Speaks.\nlevels: [{name: large}, {name: small}]\n")
    return plugins


def test_a_new_plugin_is_the_example_with_its_own_name(home: Path) -> None:
    """`plugins/example` is what `plugins new example` writes; one with another name stands, checks and answers."""
    made = typed("plugins", "new", "example", "--plugins", home / "a", home=home)
    assert made.code == 0
    for file in made.out.splitlines():
        committed = ROOT / "plugins" / "example" / Path(file).name
        assert Path(file).read_text() == committed.read_text(), committed
    typed("plugins", "new", "my-weather", "--plugins", home / "a", home=home)
    folder = home / "a" / "my-weather"
    assert {path.name for path in folder.iterdir()} == {
        "plugin.yaml",
        "my_weather.py",
        "README.md",
        "test_my_weather.py",
    }
    assert not re.search("example", "".join(path.read_text() for path in folder.iterdir()), re.IGNORECASE)
    checked = typed("plugins", "check", "--plugins", home / "a", "--state", home / "state", home=home)
    assert (checked.code, checked.err) == (0, "")
    with Trial(folder) as plugin:
        assert plugin.ask({"name": "Ada"}).body == {"text": "Hello, Ada!", "times": 1}


def test_a_new_plugin_takes_no_others_place(home: Path) -> None:
    """A folder that is there is left as it is."""
    put(home)
    answer = typed("plugins", "new", "voice", "--plugins", home / "plugins", home=home)
    assert answer.refusal == f"{home}/plugins/voice is there already: choose another name"


def test_the_list_shows_what_is_found_and_whether_it_runs(home: Path) -> None:
    """One line each; what cannot even be named stands on standard error."""
    plugins = put(home)
    plugins.put("bad", module="def oh no")
    plugins.put("worse").joinpath("plugin.yaml").write_text("name: 3")
    answer = typed("plugins", "list", "--plugins", plugins.path, "--state", home / "state", home=home)
    assert answer.code == 0
    rows = [re.split(r" {2,}", line) for line in answer.out.splitlines()]
    assert [(row[0], row[-1]) for row in rows] == [("NAME", "RUNS"), ("bad", "no: broken"), ("voice", "yes")]
    assert rows[2][1:4] == ["1.0.0", "Lazy", "large,small"]
    assert f"{plugins.path}/worse/plugin.yaml:1: name: Invalid value: 3" in answer.err


def test_without_plugins_the_list_says_where_it_looked(home: Path) -> None:
    """An empty table helps nobody, nor does a check that says nothing."""
    (home / "plugins").mkdir()
    for asked in ("list", "check"):
        answer = typed("plugins", asked, "--plugins", home / "plugins", "--state", home / "s", home=home)
        assert (answer.code, answer.out) == (0, f"No plugins found in {home}/plugins and in installed packages.\n")


def test_check_tells_everything_and_ends_with_1_where_one_cannot_run(home: Path) -> None:
    """Problems with file and line, what is missing on the machine, what it may do, its hash and its limits."""
    plugins = put(home)
    needs = "{network: {listen: [8410]}, programs: [no-such-program-here]}"
    more = f"packages: [surely-not-installed-here>=1]\nneeds: {needs}\n"
    plugins.put("odd", more=more, module="x = 1\ndef oh no\n")
    answer = typed("plugins", "check", "--plugins", plugins.path, "--state", home / "state", home=home)
    assert answer.code == 1
    for sentence in (
        "odd 1.0.0: cannot run (broken)",
        f"problem: {plugins.path}/odd/odd.py:2: is not Python: ",
        "missing: the Python package surely-not-installed-here is not installed: plugin.yaml asks for",
        'missing: the program "no-such-program-here" is not installed: see README.md in',
        "network: listens on port 8410",
        "voice 1.0.0: can run",
        "limits: 256 MiB, 1h of CPU time, 256 MiB on the disk, 64 open files, 16 processes and threads, ",
    ):
        assert sentence in answer.out, sentence
    one = typed("plugins", "check", "voice", "--plugins", plugins.path, "--state", home / "state", home=home)
    assert (one.code, "odd" in one.out) == (0, False)


def test_check_tells_of_the_one_that_was_asked_for_all_that_is_wrong_with_its_manifest(home: Path) -> None:
    """Who makes a slip in plugin.yaml is told of it by the command that the README names, and not of others' slips."""
    plugins = put(home)
    for name in ("weather", "other"):
        plugins.put(name, more="limts: {}\nlimits: {memory: 3}\n")
    options = ("--plugins", plugins.path, "--state", home / "state")
    checked = typed("plugins", "check", "weather", "voice", *options, home=home)
    file = plugins.path / "weather/plugin.yaml"
    lines = checked.out.splitlines()
    assert (checked.code, checked.err, lines[2].partition(":")[0]) == (1, "", "voice 1.0.0")
    assert lines[0] == f'{file}:5: unknown field "limts": did you mean "limits"?'
    assert lines[1].startswith(f"{file}:6: limits.memory: Invalid value: 3")
    document = json.loads(typed("plugins", "check", "weather", "-o", "json", *options, home=home).out)
    assert (document["plugins"], lines[0] in document["problems"]) == ([], True)
    trusted = typed("plugins", "trust", "weather", *options, home=home).refusal
    assert trusted == (
        f'the plugin "weather" is not in order: {lines[0]}, and 1 more: `brownout plugins check weather` tells all'
    )


def test_check_says_what_this_machine_enforces_and_what_not(home: Path) -> None:
    """Every guarantee, in words and for programs, with how it is enforced or why not."""
    plugins = put(home)
    options = ("--plugins", plugins.path, "--state", home / "state")
    said = typed("plugins", "check", "voice", *options, home=home).out
    (document,) = json.loads(typed("plugins", "check", "voice", "-o", "json", *options, home=home).out)["plugins"]
    guarantees = document["enforcement"]
    assert {each["aspect"] for each in guarantees} == {aspect.value for aspect in Aspect}
    for each in guarantees:
        word, why = ("enforced", each["how"]) if each["enforced"] else ("NOT enforced", each["whyNot"])
        assert why
        assert f"  {word}: it {each['what']} ({why})\n" in said


def test_check_runs_nothing_of_a_plugin(home: Path) -> None:
    """A module that would end the process, or a package beside it, is only read."""
    plugins = put(home)
    plugins.put("deadly", module=f"open({str(home / 'ran')!r}, 'w')\nraise SystemExit(9)\n")
    assert typed("plugins", "check", "--plugins", plugins.path, "--state", home / "s", home=home).code == 0
    assert not (home / "ran").exists()


def test_trust_takes_the_bytes_as_they_are(home: Path) -> None:
    """After it nothing else runs, and a changed byte is told with both hashes."""
    plugins = put(home)
    folder = plugins.put("other")
    options = ("--plugins", plugins.path, "--state", home / "state")
    said = typed("plugins", "trust", "voice", "other", *options, home=home)
    assert said.code == 0
    assert re.fullmatch(r"[0-9a-f]{64}  voice 1\.0\.0\n[0-9a-f]{64}  other 1\.0\.0\n", said.out)
    assert typed("plugins", "check", *options, home=home).code == 0
    (folder / "other.py").write_text("# changed\n")
    listed = json.loads(typed("plugins", "list", "-o", "json", *options, home=home).out)
    verdicts = {each["name"]: (each["trusted"], each["runs"]) for each in listed["plugins"]}
    assert verdicts == {"voice": (True, True), "other": (False, False)}
    assert listed["trustEnforced"] is True
    checked = typed("plugins", "check", "other", *options, home=home)
    assert (checked.code, "trust: it is not the one that was trusted (its hash is " in checked.out) == (1, True)


def test_trust_is_all_or_nothing_and_names_what_is_there(home: Path) -> None:
    """A broken or unknown name among several changes nothing."""
    plugins = put(home)
    plugins.put("bad", module=None)
    options = ("--plugins", plugins.path, "--state", home / "state")
    assert (
        'the plugin "bad" is not in order: ' in typed("plugins", "trust", "voice", "bad", *options, home=home).refusal
    )
    assert typed("plugins", "trust", "voice", "../voice", *options, home=home).refusal == (
        'there is no plugin "../voice" that can be read: '
        f"found in {plugins.path} and in installed packages are: bad, voice; --plugins DIR looks elsewhere"
    )
    assert not (home / "state").exists()


def test_the_plugins_of_a_controller_lie_beside_its_integrations(home: Path) -> None:
    """`--state` alone leads to the directory that the controller read last, and to `plugins` in it."""
    put(home / "companion")
    state = home / "state"
    state.mkdir()
    (state / "directory.yaml").write_text(f"directory: {home}/companion\ndevice: 1\ninode: 1\n")
    listed = json.loads(typed("plugins", "list", "-o", "json", "--state", state, home=home).out)
    assert [each["name"] for each in listed["plugins"]] == ["voice"]


def test_a_plugin_beside_integrations_is_not_taken_for_one(home: Path) -> None:
    """Its files declare nothing, whatever they are called."""
    plugins = put(home)
    (plugins.path / "voice" / "answers.yaml").write_text("hello: world\n")
    (home / "stubs.yaml").write_text(
        "apiVersion: brownout.dev/v1alpha1\nkind: Integration\nmetadata: {name: voice}\n"
        "spec: {workload: {plugin: {name: voice}}}\n"
    )
    said = "ok: 1 integration in 1 file\nvoice has the levels of its plugin: large, small\n"
    assert typed("validate", home, home=home).out == said


def test_a_name_that_is_no_text_is_shown_as_it_can_be(home: Path) -> None:
    """A folder whose name is bytes, on a terminal that knows ASCII alone: the check goes on to its end."""
    folder = put(home).path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "plugin.yaml").write_text("")
    words = ("plugins", "check", "--plugins", home / "plugins", "--state", home / "state")
    environment = {**os.environ, "HOME": str(home), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(brownout_argv(*words), env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "/caf\\udce9/plugin.yaml" in done.stdout
    assert "voice 1.0.0: can run" in done.stdout
