"""`plugin.yaml`: what it may say, and in which words it is refused, all problems at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from brownout.api.problems import Problem
from brownout.api.workload import Load
from brownout.pluginhost.manifest import Manifest, read_manifest
from brownout.pluginhost.needs import granted

LEAST = "name: voice\nversion: 1.0.0\nentry: voice.py\n"


def read(text: str) -> Manifest:
    """The manifest, which must be in order."""
    found = read_manifest(text)
    assert isinstance(found, Manifest), found
    return found


def refused(text: str) -> list[str]:
    """What is wrong with it, which must be something."""
    found = read_manifest(text)
    assert isinstance(found, tuple)
    return [str(problem) for problem in found]


def test_a_manifest_of_three_lines_asks_for_nothing() -> None:
    """Without a word on it a plugin gets no port, file, variable or program, starts lazily, and has bounds."""
    manifest = read(LEAST)
    assert granted(manifest.needs, {}) == granted(read(f"{LEAST}needs: {{}}\n").needs, {})
    assert not any(vars_of(manifest))
    assert manifest.load is Load.LAZY
    assert (manifest.limits.memory, manifest.limits.disk, manifest.limits.request_timeout) == (2**28, 2**28, 5.0)


_RELEASES = st.sampled_from(["1", "1.0", "2.4.1", "1rc1", "1..2", "1abc", "1.", "1.0.post1", "1a", "01.2"])
_BOUNDS = st.tuples(st.sampled_from(["==", ">=", "<=", "~=", "<", ">"]), _RELEASES).map("".join)


@given(st.lists(_BOUNDS, max_size=3).map(",".join))
def test_a_package_that_is_accepted_can_be_looked_for(bounds: str) -> None:
    """Whatever bounds stand behind the name: what the manifest takes is a requirement, and `plugins check` reads it."""
    found = read_manifest(f'{LEAST}packages: ["h11{bounds}"]\n')
    if isinstance(found, Manifest):
        assert bool(Requirement(found.packages[0]).specifier) == bool(bounds)
    else:
        assert "packages[0]: Invalid value" in str(found[0])


def vars_of(manifest: Manifest) -> tuple[object, ...]:
    """All that the plugin would be given."""
    given_ = granted(manifest.needs, {})
    names = ("connect", "listen", "resolve", "read", "write", "environment", "programs")
    return tuple(getattr(given_, name) for name in names)


def test_the_entry_names_a_module_or_a_class_in_it() -> None:
    """`voice.py` is run as it stands; of `voice.py:Voice` the class is the plugin."""
    assert (read(LEAST).module, read(LEAST).attribute) == ("voice.py", "")
    manifest = read(LEAST.replace("voice.py", "voice.py:Voice"))
    assert (manifest.module, manifest.attribute) == ("voice.py", "Voice")


@pytest.mark.parametrize(
    "entry",
    [
        "os",
        "../voice.py",
        "/etc/voice.py",
        "a/voice.py",
        "..",
        "Voice.py",
        "voice.pyc",
        "voice.so",
        ".voice.py",
        '"voice.py\\0"',
        '"voice.py\\n"',
        "voice.py:Voice.run",
        '"voice.py:"',
        '"%2e%2e.py"',
    ],
)
def test_an_entry_leads_nowhere_else(entry: str) -> None:
    """The entry is a Python file of that very folder: no path, no way up, no other kind of file."""
    (problem,) = refused(LEAST.replace("entry: voice.py", f"entry: {entry}"))
    assert problem.startswith("plugin.yaml:3: entry: Invalid value: ")
    assert "must be a Python file beside plugin.yaml" in problem


@pytest.mark.parametrize("name", ["..", "/voice", "a/b", "Voice", '""', "-voice", '"a\\0b"', "a.b", "é", "a" * 64])
def test_a_name_is_no_path(name: str) -> None:
    """A plugin's name becomes the name of folders and files: it can be nothing but a lowercase word."""
    (problem,) = refused(LEAST.replace("name: voice", f"name: {name}"))
    assert "name: Invalid value: " in problem


def test_all_problems_are_told_at_once_in_the_order_of_their_lines() -> None:
    """An author mends a manifest in one go: what the fields say, what they say together, and unknown ones."""
    text = (
        "name: Voice\nversion: one\nentry: voice.py\nrequires: [a, A]\n"
        "needs:\n  network: {listen: [0, $nope]}\n  files: {read: [/a/../b]}\n  environment: [LD_PRELOAD]\n"
        "  sockets: []\n"
        "levels: [{name: a}, {name: a}]\n"
        "limits: {memory: 1Ki, disk: 0}\n"
        "config:\n  port: {type: integer, minimum: 1, default: 0}\n  kind: {type: strin}\n"
    )
    expected = [
        'plugin.yaml:1: name: Invalid value: "Voice": must be a lowercase name',
        'plugin.yaml:2: version: Invalid value: "one": must be a version such as 1.4.0',
        'plugin.yaml:4: requires[1]: Invalid value: "A": must be a lowercase name',
        "plugin.yaml:6: needs.network.listen[0]: Invalid value: 0: must be a port from 1 to 65535",
        'plugin.yaml:6: needs.network.listen[1]: Invalid value: "$nope": must name an entry of config',
        'plugin.yaml:7: needs.files.read[0]: Invalid value: "/a/../b": must be an absolute path without',
        'plugin.yaml:8: needs.environment[0]: Invalid value: "LD_PRELOAD": must not be a variable that steers',
        'plugin.yaml:9: unknown field "needs.sockets"',
        'plugin.yaml:10: levels[1].name: Duplicate value: "a": level names must be unique',
        'plugin.yaml:11: limits.memory: Invalid value: "1Ki": must be a memory quantity',
        "plugin.yaml:11: limits.disk: Invalid value: 0: must be a memory quantity",
        "plugin.yaml:13: config.port.default: Invalid value: 0: must be a whole number from 1 to",
        'plugin.yaml:14: config.kind.type: Unsupported value: "strin": supported values: "string", "integer"',
    ]
    found = refused(text)
    assert len(found) == len(expected), found
    assert [line for line, start in zip(found, expected, strict=True) if not line.startswith(start)] == []


@pytest.mark.parametrize(
    "text", ["", "[]", "- name: x", "--- \na: 1\n--- \nb: 2\n", "a: [", "!!python/object:os.system x"]
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    """Nothing, a list, two documents, a broken one, one that would run code: each is one problem."""
    assert len(refused(text)) == 1


def test_a_manifest_is_not_a_place_to_hide_things() -> None:
    """It has at most 64 KiB."""
    assert "bytes are more than" in refused(f"{LEAST}# {'x' * 70_000}\n")[0]


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_whatever_stands_there_is_answered(content: bytes | str) -> None:
    """Any bytes give a manifest or problems, and nothing else happens."""
    found = read_manifest(content)
    assert isinstance(found, Manifest) or (found and all(isinstance(problem, Problem) for problem in found))


def test_what_stands_in_the_config_decides_which_doors_are_opened() -> None:
    """`$port` is the owner's port; a name without a value, or with one that is no port or path, opens nothing."""
    needs = (
        "needs:\n  network: {listen: [$port], connect: [443, $port]}\n  files: {read: [$models], write: [$models]}\n"
    )
    config = "config:\n  port: {type: integer}\n  models: {type: list}\n"
    manifest = read(LEAST + needs + config)
    found = granted(manifest.needs, {"port": 8410, "models": ["/srv/a", "relative", "/srv/../etc", "/srv/a"]})
    assert (found.listen, found.connect) == ((8410,), (443, 8410))
    assert found.read == found.write == ("/srv/a",)
    nothing = granted(manifest.needs, {"port": 70_000})
    assert (nothing.listen, nothing.connect, nothing.read) == ((), (443,), ())


def test_its_levels_must_fit_its_own_config() -> None:
    """A level that says what no config may say would fail each switch to it; what must be given is not missed there."""
    config = "config:\n  model: {type: string, enum: [a, b], required: true}\n  words: {type: integer}\n"
    fits = read_manifest(f"{LEAST}{config}levels:\n  - {{name: x, config: {{words: 1}}}}\n")
    assert isinstance(fits, Manifest)
    wrong = read_manifest(f"{LEAST}{config}levels:\n  - name: x\n    config:\n      model: c\n      wrods: 1\n")
    assert isinstance(wrong, tuple)
    assert [(problem.line, problem.path) for problem in wrong] == [
        (10, "levels[0].config.model"),
        (11, "levels[0].config.wrods"),
    ]
