"""Every mistake of a new user: one clear line on standard error, never a traceback, the right exit code."""

from __future__ import annotations

import errno
import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from brownout.cli.app import app
from tests.box.stage import Stage, brownout_argv
from tests.cli.conftest import Seen
from tests.cli.typed import typed
from tests.docs.generated import flat

NEVER = "no controller has ever run with the state folder {}: start one with"
COMMANDS = ("run", "get", "explain", "validate", "history", "replay", "compare", "crds", "demo",
    "plugins list", "plugins check", "plugins trust", "plugins new",
            "budget run", "budget list", "budget show", "budget raise", "budget stop")  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("frobnicate", "No such command 'frobnicate'."),
        ("get", "Missing argument 'integrations|policy'."),
        ("get pods", '"pods" is not something to get: use one of integrations, policy'),
        ("get integrations -o xml", '"xml" is not an output: use one of wide, yaml, json, name'),
        ("get integrations --colour", "No such option: --colour"),
        ("get integrations --server localhost", '"localhost" is not a server: write a URL such as http://127.0.0.1:8321'),
        ("explain", "Missing argument 'NAME'."),
        ("explain voice -o yaml", '"yaml" is not an output: use one of json'),
        ("history --since 5x", '"5x" is not a duration: write it like 30s, 10m or 1h30m'),
        ("history --limit 0", "Invalid value for '--limit': \"0\" is too small: use at least 1"),
        ("history --limit -1", "Invalid value for '--limit': \"-1\" is too small: use at least 1"),
        ("history --limit 10001", '"10001" is too large: use at most 10000'),
        ("history --limit all", "Invalid value for '--limit': \"all\" is not a whole number"),
        ("budget run --tokens x -- true", "Invalid value for '--tokens': \"x\" is not a whole number"),
        ("budget run --tokens 1.5 -- true", "Invalid value for '--tokens': \"1.5\" is not a whole number"),
        ("budget run --finish-at most -- true", "Invalid value for '--finish-at': \"most\" is not a number"),
        ("get policy --mode moon", "Invalid value for '--mode': 'moon' is not one of 'auto', 'kube', 'local'."),
        ("status", "No such command 'status': use get"),
        ("why voice", "No such command 'why': use explain"),
        ("validate", "Missing argument 'FILE...'."),
        ("run . --listen here", '"here" is not an address to listen on: write ADDR:PORT'),
        ("run . --log-level loud", '"loud" is not a log level: use one of debug, info, warning, error'),
        ("plugins new Weather", '"Weather" is no name for a plugin: must be a lowercase name of letters'),
        ("plugins new json", '"json" is no name for a plugin: it would be a file that Python cannot import'),
        ("plugins trust", "Missing argument 'NAME...'."),
        ("plugins list -o yaml", '"yaml" is not an output: use one of json'),
        ("run . --mode box", "'box' is not one of 'auto', 'kube', 'local'"),
        ("budget list --server http://127.0.0.1:99999", "is not a server: write a URL such as http://127.0.0.1:8321"),
        ("get policy --server http://127.0.0.1:99999", "is not a server: write a URL such as http://127.0.0.1:8321"),
        ("get policy --server http://[::1", "is not a server: write a URL such as http://127.0.0.1:8321"),
        ("get policy --server http://", '"http://" is not a server: write a URL'),
        ("get policy --server http://me:word@127.0.0.1:1", '"******" is not a server: write a URL'),
        ("compare --running http://127.0.0.1:0", '"http://127.0.0.1:0" is not a server: write a URL'),
        ("budget list --server http://127.0.0.1:1/x", "Invalid value for server: must be a URL such as http://127"),
        ("budget run --tokens 99999999999999999999 -- true", "Invalid value for tokens: 99999999999999999999: must be"),
        ("budget run --name -x- -- true", 'Invalid value for name: "-x-": must be 1 to 100 letters'),
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_2(words: str, said: str, home: Path) -> None:
    """It says what was wrong, what would be right, and where help is."""
    answer = typed(*words.split(), home=home)
    assert said in answer.misuse
    assert answer.err.count("Invalid value") <= 1
    assert "Value error" not in answer.misuse
    assert "Input should" not in answer.misuse
    assert "for help." in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run nowhere", "nowhere is not a folder: name the folder that holds the integrations' files"),
        ("run . --plugins nowhere", "nowhere is not a folder: name the folder that holds the plugins' folders"),
        ("plugins list --plugins nowhere", "nowhere is not a folder: name the folder that holds the plugins' folders"),
        ("run . --state {file}", "{file} is not a folder: name one for the state, or none to use the default"),
        ("get integrations --state nowhere", NEVER.format("nowhere")),
        ("explain voice --state nowhere", NEVER.format("nowhere")),
        ("history --state nowhere", NEVER.format("nowhere")),
        ("get integrations --state {file}", NEVER.format("{file}")),
        ("get policy --server http://127.0.0.1:1", "http://127.0.0.1:1 cannot be asked: Connection refused: is the"),
        ("plugins list --state {file}", "{file} is not a folder: name one for the state, or none to use the default"),
        ("crds --dir nowhere", "nowhere cannot be written to (No such file or directory): name a folder of yours"),
    ],
)  # fmt: skip
def test_what_cannot_be_found_ends_with_1(words: str, said: str, home: Path) -> None:
    """The line names what was asked for, and what to do."""
    file = home / "file"
    file.write_text("")
    answer = typed(*words.format(file=file).split(), home=home)
    assert answer.refusal.startswith(said.format(file=file))


@pytest.mark.parametrize(
    "words",
    [
        "run ''",
        "validate ''",
        "crds --dir ''",
        "get integrations --state ''",
        "explain ''",
        "plugins new ''",
        "replay ''",
    ],
)
def test_nothing_is_no_name_and_no_folder(words: str, home: Path) -> None:
    """What a variable that is not set leaves is refused: as a path it would be the folder where we are."""
    answer = typed(*shlex.split(words), home=home)
    assert answer.misuse == "Invalid value: an argument is empty: is a variable not set?"
    assert [path.name for path in home.iterdir() if path.suffix == ".yaml"] == []


def test_what_was_typed_does_not_steer_the_terminal(left: Stage, home: Path) -> None:
    """A control character in a name is shown by its number, also in the name of a file; other letters as they are."""
    for name, told in (("a\x1b[31mb", "a\\x1b[31mb"), ("vöice☃", "vöice☃"), ("a\x9bb", "a\\x9bb")):
        assert f'no integration "{told}"' in typed("explain", name, "--state", left.state, home=home).refusal
    listed = typed("validate", "a\n\x1b[1mb.yaml", home=home)
    assert listed.out.startswith("a\\u000a\\u001b[1mb.yaml: cannot be read")
    server = typed("get", "policy", "--server", "http://a\nb", home=home)
    assert '"http://a\\nb" is not a server' in server.misuse


def test_a_name_that_is_not_declared_is_told_with_those_that_are(left: Stage, home: Path) -> None:
    """A misspelt name costs no second look."""
    for words in (("get", "integrations", "vioce"), ("explain", "vioce"), ("history", "vioce")):
        answer = typed(*words, "--state", left.state, home=home)
        assert answer.code == 1
        *_, line = answer.err.splitlines()
        assert line == 'brownout: there is no integration "vioce": known are: android, voice'
    answer = typed("get", "policy", "other", "--state", left.state, home=home)
    assert answer.err.splitlines()[-1] == 'brownout: there is no policy "other": the one in force is default'


def test_a_folder_of_somebody_else_is_told(left: Stage, home: Path) -> None:
    """Whoever may not look into the state folder is told so, and who may."""
    locked = home / "state"
    locked.mkdir(mode=0o000)
    done = _as_nobody("get", "integrations", "--state", locked) if os.geteuid() == 0 else None
    answer = done or typed("get", "integrations", "--state", locked, home=home).err
    assert answer == (
        f"brownout: {locked} cannot be read: it belongs to another user: "
        "ask as the user who runs the controller, or its gateway with --server\n"
    )


def _as_nobody(*words: object) -> str:
    """The refusal as a user without rights sees it: the check itself, without a second installation for that user."""
    program = (
        "import os, sys; from brownout.cli import app; from pathlib import Path; import brownout.cli.source;"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); app.main()"
    )
    command = [*brownout_argv()[:1], "-c", program, *(str(word) for word in words)]
    for folder in Path(str(words[-1])).parents:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    done = subprocess.run(command, env=_env(), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1, done
    return done.stderr


def test_without_a_box_and_without_a_cluster_both_are_named(home: Path) -> None:
    """Who asks before anything ever ran is told of both homes, and how to begin; so is who runs without a folder."""
    env = {**_env(), "HOME": str(home), "KUBECONFIG": str(home / "none")}
    env.pop("XDG_STATE_HOME", None)
    asked = subprocess.run(
        brownout_argv("get", "integrations"), env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert asked.returncode == 1
    assert asked.stderr.startswith(f"brownout: no controller has run with {home}/.local/state/brownout, and no cluster")
    assert asked.stderr.endswith(": start one with `brownout run DIR`, or name its state folder with --state\n")
    run = subprocess.run(
        brownout_argv("run", "--log-format", "text"), env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 1
    assert "no directory is named (brownout run DIR), and there is no cluster to use: " in run.stderr
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "no cluster is configured: there is neither a kubeconfig nor a service account: set KUBECONFIG"),
        (("--kubeconfig", "nowhere"), "nowhere does not exist: check the path"),
    ],
)
def test_a_cluster_that_nobody_named_is_not_waited_for(words: tuple[str, ...], why: str, home: Path) -> None:
    """An API server may come back, a kubeconfig does not: it is told at once, and nothing else is."""
    env = {**_env(), "HOME": str(home), "KUBECONFIG": str(home / "none")}
    argv = brownout_argv("run", "--mode", "kube", "--listen", "none", "--log-format", "text", *words)
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert why in done.stderr
    assert "waiting" not in done.stderr


def test_a_state_folder_that_cannot_be_made_is_told(home: Path) -> None:
    """Before anything is started, with the reason of the system and what to do."""
    (home / "file").write_text("")
    state = home / "file" / "state"
    words = brownout_argv("run", home, "--state", state, "--listen", "none", "--log-format", "text")
    done = subprocess.run(words, env=_env(), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert f"the state folder {state} cannot be used: Not a directory: choose another with --state" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_that_is_refused_has_not_begun(running: Seen, home: Path) -> None:
    """What reads the log gets the refusal alone: a state that another uses, an address that is taken."""
    taken = running.url.removeprefix("http://")
    for words in (("--state", running.stage.state, "--listen", "none"), ("--state", home / "state", "--listen", taken)):
        argv = brownout_argv("run", home, *words)
        done = subprocess.run(argv, env=_env(), capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 1
        assert [json.loads(line)["msg"] for line in done.stderr.splitlines()] == ["cannot go on"]


def test_a_full_disk_is_told_with_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system names neither a file nor a way out where a write to an open file fails."""

    def full(**_given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("brownout.cli.app.app", full)
    told = typed("demo", home=home).refusal
    assert told == "No space left on device: make room on the disk that holds its files, or name a folder on another"


def test_output_that_nobody_reads_is_no_fault(home: Path) -> None:
    """`| head` and `>&-` end it quietly."""
    command = brownout_argv("crds")
    with subprocess.Popen(command, env=_env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as gone:
        assert gone.stdout is not None
        gone.stdout.close()
        assert gone.stderr is not None
        assert gone.stderr.read() == b""
        assert gone.wait(60) == 1
    closed = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *command], env=_env(), capture_output=True, check=False, timeout=60
    )
    assert (closed.returncode, closed.stderr) == (0, b"")


@pytest.mark.parametrize("shell", ['"$@" 2>&-', '"$@" >&- 2>&-', '"$@" <&- >&- 2>&-'])
def test_what_nobody_hears_changes_no_exit_code(left: Stage, shell: str, home: Path) -> None:
    """A job without standard error gets its answer, and learns by the code whether it was one."""
    env = {key: value for key, value in _env().items() if key != "PYTHONUNBUFFERED"}

    def code(*words: object) -> tuple[int, str]:
        argv = ["sh", "-c", shell, "sh", *brownout_argv(*words)]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout

    answered, table = code("get", "integrations", "--state", left.state)
    assert answered == 0
    assert "voice" in table or " >&-" in shell
    assert code("get", "integrations", "--state", home / "none") == (1, "")


def test_an_output_that_takes_nothing_is_one_line_and_1(left: Stage) -> None:
    """A full disk under a redirected table is no answer, and the interpreter adds nothing of its own."""
    env = {key: value for key, value in _env().items() if key != "PYTHONUNBUFFERED"}
    argv = ["sh", "-c", '"$@" >/dev/full', "sh", *brownout_argv("history", "--state", left.state)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    *notes, why = done.stderr.splitlines()
    assert all(each.startswith("note: ") for each in notes)
    assert why == "brownout: what was to be printed cannot be written: No space left on device"
    argv = ["sh", "-c", '"$@" 2>/dev/full', "sh", *brownout_argv("get", "integrations", "--state", "nowhere")]
    assert subprocess.run(argv, env=env, check=False, timeout=60).returncode == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_has_an_example_and_says_what_each_option_does(command: str, home: Path) -> None:
    """Nothing stands in it without a word of explanation."""
    answer = typed(*command.split(), "--help", home=home)
    assert answer.code == 0
    assert f"Example: brownout {command}" in answer.out
    assert "list[" not in answer.out
    assert answer.err == ""


@pytest.mark.parametrize("group", ["", "plugins", "budget"])
def test_help_of_a_group_has_an_example_too(group: str, home: Path) -> None:
    """It can be typed as it stands: its words are a command."""
    answer = typed(*group.split(), "--help", home=home)
    assert "..." not in answer.out.partition("Commands:")[2], "a sentence is cut"
    (line,) = [it for it in answer.out.splitlines() if "Example: " in it]
    assert any(line.split("Example: brownout ")[1].startswith(command) for command in COMMANDS)
    assert group in line


def test_help_lists_all_commands(home: Path) -> None:
    """And nothing but them; `--version` is one line; no words at all are wrong usage, with the help."""
    answer = typed("--help", home=home)
    assert answer.code == 0
    assert all(f"\n  {command.split()[0]}" in answer.out for command in COMMANDS)
    assert {words for words, _ in flat(get_command(app))} == set(COMMANDS)
    assert typed("--version", home=home).out.startswith("brownout 0.")
    nothing = typed(home=home)
    assert nothing.code == 2
    assert "Commands:" in nothing.out + nothing.err


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "operator")}
