"""What a directory declares, whatever else lies in it. No controller runs: this is the first reading."""

import os
import socket
from pathlib import Path

import pytest

from brownout.api.policy import DEFAULT_POLICY
from brownout.core.errors import HomeUnavailable, InvalidInput
from tests.local.house import House, names, one, policy_text, priority, said, text_of


def test_every_yaml_file_below_counts_and_may_hold_several_documents(house: House) -> None:
    """Folders, both suffixes, several documents, comments and empty documents (Y-09)."""
    house.write(
        "voice.yaml", "# only a comment\n---\n" + text_of("voice") + "---\n---\n" + text_of("android", priority=20)
    )
    house.write("more/deep/discord.yml", text_of("discord"))
    house.write("policy.yaml", policy_text(interval="1s"))
    house.write("empty.yaml", "")
    house.write("notes.txt", "not ours")
    inventory = house.load()
    assert names(inventory) == {"voice", "android", "discord"}
    assert (inventory.complete, inventory.problems, inventory.rejected) == (True, {}, frozenset())
    assert inventory.policy.spec.interval == 1.0


@pytest.mark.parametrize(
    "leftover", [".voice.yaml.swp", "voice.yaml~", ".hidden.yaml", ".git/voice.yaml", "#voice.yaml#", "voice.yaml.bak"]
)
def test_what_editors_leave_behind_does_not_count(house: House, leftover: str) -> None:
    """Y-02: hidden files and folders, backups."""
    house.write("voice.yaml", text_of("voice"))
    house.write(leftover, text_of("voice", priority=1))
    assert (names(house.load()), house.load().problems) == ({"voice"}, {})


def test_a_mounted_config_map_counts_once(house: House) -> None:
    """Y-04: the files are links through `..data`, a link to a folder with a date."""
    house.write("..2026_01_02/voice.yaml", text_of("voice"))
    house.write("..2026_01_02/sub/android.yaml", text_of("android"))
    (house.directory / "..data").symlink_to("..2026_01_02")
    (house.directory / "voice.yaml").symlink_to("..data/voice.yaml")
    (house.directory / "sub").symlink_to("..data/sub")
    (house.directory / "twice.yaml").symlink_to("voice.yaml")
    assert (names(house.load()), house.load().problems) == ({"voice", "android"}, {})


def test_whatever_is_no_file_is_one_problem_and_never_a_hang(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Y-05: links out, loops, dangling, FIFOs, devices, sockets, folders with the suffix."""
    house.write("voice.yaml", text_of("voice"))
    outside = house.directory.parent / "outside"
    outside.mkdir()
    (outside / "android.yaml").write_text(text_of("android"))
    links = {
        "shadow.yaml": "/etc/shadow",
        "zero.yaml": "/dev/zero",
        "dangling.yaml": "nowhere",
        "loop.yaml": "loop.yaml",
        "out": "../outside",
        "up": "..",
        "self": ".",
        "harmless": "/etc/passwd",
    }
    for name, target in links.items():
        (house.directory / name).symlink_to(target)
    os.mkfifo(house.directory / "fifo.yaml")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(house.directory)  # the path of a socket may have 107 characters
        listener.bind("socket.yaml")
        inventory = house.load()
    assert names(inventory) == {"voice"}
    assert {file: said(inventory, file).removeprefix(f"{file}: ") for file in inventory.problems} == {
        "shadow.yaml": "is a link that leads out of the directory",
        "zero.yaml": "is a link that leads out of the directory",
        "dangling.yaml": "is a link that leads nowhere: No such file or directory",
        "loop.yaml": "is a link that leads nowhere: Too many levels of symbolic links",
        "out": "is a link that leads out of the directory",
        "up": "is a link that leads out of the directory",
        "fifo.yaml": "is not a regular file",
        "socket.yaml": "is not a regular file",
    }


def test_a_large_file_is_one_problem_and_not_read(house: House) -> None:
    """Y-06: 100 MB, and a million keys, cost next to nothing."""
    huge = house.write("huge.yaml", "")
    os.truncate(huge, 100 * 2**20)
    house.write("keys.yaml", "".join(f"k{number}: 1\n" for number in range(150_000)))
    inventory = house.load()
    assert said(inventory, "huge.yaml") == "huge.yaml: is larger than 1 MiB"
    assert said(inventory, "keys.yaml") == "keys.yaml: is larger than 1 MiB"


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\x02",
        b"\xff\xfe" + "kind: x".encode("utf-16-le"),
        b"\xff\xff\xff",
        b"a:\n\t- b\n",
        b"!!python/object:os.system {}",
        b"[" * 10_000,
        b"- a\n- b\n",
        b"&a [*a, *a]",
    ],
)
def test_what_is_not_our_yaml_is_a_problem_of_its_file(house: House, content: bytes) -> None:
    """Y-07, Y-09, Y-10: binary, UTF-16, tabs, tags, depth, lists: a reason, and the others are unaffected."""
    house.write("bad.yaml", content)
    house.write("voice.yaml", text_of("voice"))
    inventory = house.load()
    assert (names(inventory), set(inventory.problems)) == ({"voice"}, {"bad.yaml"})


def test_crlf_and_a_byte_order_mark_are_fine(house: House) -> None:
    """Y-07: what editors of other systems write is not a fault."""
    house.write("voice.yaml", b"\xef\xbb\xbf" + text_of("voice").replace("\n", "\r\n").encode())
    assert (names(house.load()), house.load().problems) == ({"voice"}, {})


def test_a_name_is_taken_once(house: House) -> None:
    """Y-08: the file that comes first by its path keeps it, whatever the namespace; the later one is told."""
    house.write("a.yaml", text_of("voice", priority=1))
    house.write(
        "b.yaml", "# comment\n" + text_of("voice", priority=2).replace("name: voice", "name: voice\n  namespace: other")
    )
    house.write("c.yaml", text_of("android") + "---\n" + text_of("android"))
    inventory = house.load()
    assert (names(inventory), priority(inventory)) == ({"voice", "android"}, 1)
    assert said(inventory, "b.yaml").startswith('b.yaml:5: metadata.name: Duplicate value: "voice": ')
    assert "a.yaml has it already" in said(inventory, "b.yaml")
    assert "stands in this file already, on line" in said(inventory, "c.yaml")


def test_only_the_default_policy_rules(house: House) -> None:
    """Others are shadows: nothing is wrong with them, and they never rule. Each name is taken once."""
    house.write("a.yaml", policy_text("other", interval="2s") + "---\n" + policy_text("third", interval="5s"))
    house.write("b.yaml", policy_text(interval="3s"))
    house.write("c.yaml", policy_text(interval="4s"))
    house.write("d.yaml", policy_text("other", interval="7s"))
    inventory = house.load()
    assert inventory.policy.spec.interval == 3.0
    assert "a.yaml" not in inventory.problems
    assert "b.yaml has it already" in said(inventory, "c.yaml")
    assert "a.yaml has it already" in said(inventory, "d.yaml")


def test_a_shadow_policy_alone_leaves_the_defaults_in_force(house: House) -> None:
    """It does not rule for want of another; one that is wrong is told like any document."""
    house.write("a.yaml", policy_text("other", interval="2s"))
    house.write("b.yaml", policy_text("broken", interval="fast"))
    inventory = house.load()
    assert inventory.policy == DEFAULT_POLICY
    assert set(inventory.problems) == {"b.yaml"}


def test_all_problems_of_a_file_at_once_and_the_rest_of_it_counts(house: House) -> None:
    """Each with file, line, field, value and what is allowed; the good documents beside the bad one stand."""
    bad = text_of("android", priority="high", colour="red")
    house.write("mixed.yaml", text_of("voice") + "---\n" + bad + "---\n" + text_of("discord"))
    inventory = house.load()
    assert (names(inventory), set(inventory.rejected)) == ({"voice", "discord"}, {"android"})
    assert "spec.priority: Invalid value" in said(inventory, "mixed.yaml")
    assert 'unknown field "spec.colour"' in said(inventory, "mixed.yaml")


def test_a_misspelt_field_of_metadata_is_told(house: House) -> None:
    """As `kubectl apply` tells it; what `kubectl get -o yaml` gives may be put into a file as it is."""
    known = "uid: u\n  finalizers: []\n  managedFields: [{manager: kubectl}]\n  creationTimestamp: null\n  "
    house.write("good.yaml", text_of("voice").replace("metadata:\n  ", f"metadata:\n  {known}"))
    house.write("bad.yaml", text_of("android").replace("metadata:\n  ", "metadata:\n  lables: {a: b}\n  "))
    inventory = house.load()
    assert (names(inventory), set(inventory.rejected)) == ({"voice"}, {"android"})
    assert said(inventory, "bad.yaml") == 'bad.yaml:4: unknown field "metadata.lables": did you mean "labels"?'


def test_a_circle_of_dependencies_is_refused(house: House) -> None:
    """What only shows when all are seen together is a problem of the files that declare it."""
    house.write("a.yaml", text_of("voice", dependsOn=["android"]))
    house.write("b.yaml", text_of("android", dependsOn=["voice"]))
    inventory = house.load()
    assert (names(inventory), set(inventory.rejected)) == (set(), {"voice", "android"})
    assert "a.yaml: spec.dependsOn" in said(inventory, "a.yaml")


def test_an_object_is_numbered_as_an_api_server_would(house: House) -> None:
    """Uid and version are ours and outlive restarts; what the file says of them, or of a status, counts for nothing."""
    forged = (
        text_of("voice").replace("name: voice", "name: voice\n  uid: forged\n  generation: 99")
        + "status: {state: Disabled}\n"
    )
    house.write("voice.yaml", forged)
    first, second = one(house.load()), one(house.load())
    assert first == second
    assert (first.metadata.generation, first.status, len(first.metadata.uid)) == (1, None, 36)
    assert first.metadata.annotations == {"brownout.dev/file": "voice.yaml"}
    assert first.metadata.resource_version


def test_what_belongs_to_another_machine_is_shown_and_not_touched(house: House) -> None:
    """spec.node names another one."""
    house.write(
        "voice.yaml",
        text_of("voice") + "---\n" + text_of("android", node="elsewhere") + "---\n" + text_of("discord", node="box"),
    )
    home = house.home()
    assert home.load().foreign == {"android"}
    assert [home.may_act(name) for name in ("voice", "android", "discord")] == [True, False, True]


def test_a_state_folder_inside_the_directory_declares_nothing(house: House) -> None:
    """`--state DIR/state` works, and is not read."""
    house.write("voice.yaml", text_of("voice"))
    house.write("state/status/android.yaml", text_of("android"))
    assert names(House(house.directory, house.directory / "state").load()) == {"voice"}


def test_a_directory_that_cannot_be_used_is_one_clear_error(house: House) -> None:
    """Not there, a file, the state folder itself."""
    file = house.write("voice.yaml", text_of("voice"))
    for path in (house.directory / "nowhere", file):
        with pytest.raises(HomeUnavailable, match="cannot be read"):
            House(path, house.state).load()
    with pytest.raises(InvalidInput, match="is the state folder too"):
        House(house.directory, house.directory).load()


def test_a_directory_that_anybody_can_write_to_is_refused(house: House) -> None:
    """S-23: running commands from there is running anybody's code; a single such file or folder is passed over."""
    house.write("voice.yaml", text_of("voice"))
    house.write("open/android.yaml", text_of("android"))
    house.write("file.yaml", text_of("discord")).chmod(0o666)
    (house.directory / "open").chmod(0o777)
    inventory = house.load()
    assert names(inventory) == {"voice"}
    assert "can be written by anybody" in said(inventory, "open")
    assert "can be written by anybody" in said(inventory, "file.yaml")
    house.directory.chmod(0o777)
    with pytest.raises(InvalidInput, match="chmod o-w"):
        house.load()
    house.directory.chmod(0o1777)
    assert names(house.load()) == {"voice"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_of_strangers_are_refused(house: House) -> None:
    """S-23: in a sticky folder anybody may put a file; only the owner's, root's and ours count."""
    house.directory.chmod(0o1777)
    stranger = house.write("voice.yaml", text_of("voice"))
    os.chown(stranger, 12345, 12345)
    assert "belongs to user 12345" in said(house.load(), "voice.yaml")
    house.directory.chmod(0o755)
    os.chown(house.directory, 12345, 12345)
    assert names(house.load()) == {"voice"}
    assert any("belongs to user 12345" in fault for fault in house.faults)


def test_names_as_long_as_they_may_be(house: House) -> None:
    """F-01: 253 characters, in the name of a file too."""
    long = "v" * 253
    house.write("long.yaml", text_of(long))
    assert names(house.load()) == {long}


def test_a_file_name_that_cannot_be_written_down_is_a_problem(house: House) -> None:
    """It would break every message that names it."""
    Path(os.fsdecode(os.fsencode(house.directory) + b"/\xff\n.yaml")).write_text(text_of("voice"))
    inventory = house.load()
    assert "has a name that cannot be written down" in "".join(said(inventory, file) for file in inventory.problems)
