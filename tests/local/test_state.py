"""The state folder: old or new but never half, one controller at a time, and what it remembers."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from brownout.api.reasons import Reason
from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.core.errors import AlreadyRunning, HomeUnavailable, InvalidInput
from brownout.disk.atomic import replace
from brownout.local.files import LocalHome
from brownout.local.lock import StateLock, is_running
from brownout.local.status import read_policy, read_statuses
from tests.eventually import eventually, eventually_async
from tests.local.house import House, names, one, policy_text, text_of

HOLDER = """
import sys, time
from pathlib import Path
from brownout.local.lock import StateLock
StateLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_the_status_file_is_the_whole_object(house: House) -> None:
    """As `kubectl get -o yaml` would show it, for the owner's eyes alone, and read again at the next start."""
    house.write("voice.yaml", text_of("voice", priority=7))
    house.write("policy.yaml", policy_text(interval="2s"))

    async def story(home: LocalHome) -> None:
        assert await home.write_status("voice", IntegrationStatus(message="well", reason=Reason.WITHIN_LIMITS))
        assert await home.write_policy_status(PolicyStatus(memory_percent=12.5))
        assert one(home.inventory()).status == IntegrationStatus(message="well", reason=Reason.WITHIN_LIMITS)

    house.live(story)
    file = house.state / "status" / "voice.yaml"
    text = file.read_text()
    assert text.startswith("apiVersion: brownout.dev/v1alpha1\nkind: Integration\nmetadata:\n")
    assert "status:\n  reason: WithinLimits\n  message: well\n" in text
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert read_statuses(house.state)["voice"].spec.priority == 7
    policy = read_policy(house.state)
    assert policy is not None
    assert (policy.spec.interval, policy.status) == (2.0, PolicyStatus(memory_percent=12.5))
    again = one(house.load())
    assert (again.status, again.metadata.generation) == (
        IntegrationStatus(message="well", reason=Reason.WITHIN_LIMITS),
        1,
    )


def test_the_generation_outlives_a_restart(house: House) -> None:
    """A spec that changed while nobody looked counts as changed."""
    house.write("voice.yaml", text_of("voice"))

    async def story(home: LocalHome) -> None:
        assert await home.write_status("voice", IntegrationStatus(observed_generation=1))

    house.live(story)
    house.write("voice.yaml", text_of("voice", priority=1))
    found = one(house.load())
    assert (found.metadata.generation, found.status) == (2, IntegrationStatus(observed_generation=1))


def test_another_directory_begins_anew(house: House, tmp_path: Path) -> None:
    """The state folder of one directory says nothing of another: no last good version, no status."""
    house.write("voice.yaml", text_of("voice"))

    async def story(home: LocalHome) -> None:
        assert await home.write_status("voice", IntegrationStatus(message="of the first"))

    house.live(story)
    other = House(tmp_path / "other", house.state)
    other.directory.mkdir()
    other.write("voice.yaml", "kind: [half")
    other.write("android.yaml", text_of("android"))
    assert names(other.load()) == {"android"}
    assert read_statuses(house.state) == {}


def test_a_status_that_somebody_garbled_is_rebuilt(house: House) -> None:
    """F-19: whatever stands there, the home starts; the status is written anew."""
    house.write("voice.yaml", text_of("voice"))
    house.live(_keep)
    (house.state / "status" / "voice.yaml").write_bytes(b"\x00garbage")
    (house.state / "directory.yaml").write_text("[1")
    (house.state / "policy.yaml").mkdir()
    assert names(house.load()) == {"voice"}


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
def test_a_file_is_old_or_new_whichever_call_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """C-13, D-01: a full or failing disk leaves the old content and no litter."""
    file = tmp_path / "status.yaml"
    replace(file, b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    name = {"open": "os.open", "write": "os.fdopen", "fsync": "os.fsync", "replace": "pathlib.Path.replace"}[call]
    monkeypatch.setattr(name, fail)
    with pytest.raises(OSError, match="No space"):
        replace(file, b"new")
    monkeypatch.undo()
    assert (file.read_bytes(), [path.name for path in tmp_path.iterdir()]) == (b"old", ["status.yaml"])


def test_killed_at_every_call_a_file_is_old_or_new(tmp_path: Path) -> None:
    """C-13: SIGKILL before each call that touches the disk."""
    file = tmp_path / "status.yaml"
    replace(file, b"old")
    for point in range(1, 20):
        child = os.fork()
        if child == 0:
            left = [point]

            def count(event: str, _: object, left: list[int] = left) -> None:
                if event in ("open", "os.rename", "os.mkdir", "os.chmod"):
                    left[0] -= 1
                    if left[0] == 0:
                        os.kill(os.getpid(), signal.SIGKILL)

            try:
                sys.addaudithook(count)
                replace(file, b"new")
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert file.read_bytes() in (b"old", b"new")
        if not os.WIFSIGNALED(status):
            break
    assert (file.read_bytes(), point > 2) == (b"new", True)


def test_a_state_folder_that_cannot_be_written_is_a_fault_and_not_the_end(house: House) -> None:
    """D-02, D-08: False, a reason for /readyz, and it heals."""
    house.write("voice.yaml", text_of("voice"))
    house.state.write_text("a file where a folder should be")

    async def story(home: LocalHome) -> None:
        assert not await home.write_status("voice", IntegrationStatus())
        assert not await home.write_policy_status(PolicyStatus())
        (fault,) = home.faults()
        assert fault.startswith(f"the state folder {house.state} cannot be written: ")
        house.state.unlink()
        assert await home.write_status("voice", IntegrationStatus())
        assert home.faults() == ()

    house.live(story)
    assert house.faults


def test_a_second_controller_is_told_who_the_first_is(tmp_path: Path) -> None:
    """L-08: one state folder, one controller; the message names the process and what to do."""
    with StateLock(tmp_path):
        assert is_running(tmp_path) == os.getpid()
        with pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}\).*--state"):
            StateLock(tmp_path).acquire()
    assert is_running(tmp_path) is None
    with StateLock(tmp_path):
        assert is_running(tmp_path) == os.getpid()


def test_a_lock_falls_with_its_holder(tmp_path: Path) -> None:
    """L-08: kill -9 leaves a file with a pid, and no lock."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "operator"},
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_running(tmp_path) == holder.pid
        with pytest.raises(AlreadyRunning, match=str(holder.pid)):
            StateLock(tmp_path).acquire()
        holder.kill()
        holder.wait()
    with StateLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    """Or a program that outlives us would keep the next controller out."""
    with StateLock(tmp_path):
        child = subprocess.Popen(["sleep", "infinity"], close_fds=False)
    try:
        assert is_running(tmp_path) is None
    finally:
        child.kill()
        child.wait()


def test_a_state_folder_that_cannot_be_used_is_one_clear_error(tmp_path: Path) -> None:
    """A file in its place; a folder that anybody may write to."""
    (tmp_path / "file").touch()
    with pytest.raises(HomeUnavailable, match="--state"):
        StateLock(tmp_path / "file" / "state").acquire()
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(InvalidInput, match="anybody may write"):
        StateLock(tmp_path / "open").acquire()
    assert is_running(tmp_path / "nowhere") is None


async def _keep(home: LocalHome) -> None:
    assert await home.write_status("voice", IntegrationStatus(message="well"))
    await eventually_async(lambda: _there(home))


async def _there(home: LocalHome) -> bool:
    return bool(home.inventory().integrations)


def test_nothing_is_left_by_a_status_that_was_replaced(house: House) -> None:
    """No temporary files pile up."""
    house.write("voice.yaml", text_of("voice"))
    house.live(_keep)
    eventually(lambda: sorted(path.name for path in (house.state / "status").iterdir()) == ["voice.yaml"])
