#!/usr/bin/env python3
"""A stand-in for systemctl where there is no systemd: units are JSON files in the folder that STANDIN names.

It understands what Brownout uses of `show`, `start`, `stop`, `kill` and `reset-failed`, in the words and with the exit
codes of systemd 252, and it is as strict: no unit before `--`, no unknown option. A unit's file may say how it behaves:

    hang: VERB      that verb never answers          deaf: true     it does not stop, only SIGKILL ends it
    fails: RESULT   it fails at its start            restart: true  it is started again when it was only killed
    load: STATE     masked, not-found, bad-setting
"""

import json
import os
import signal
import sys
import uuid
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ["STANDIN"])
OPTIONS = ("--system", "--user", "--no-pager", "--no-ask-password", "--no-block", "--kill-who=all", "--signal=SIGKILL")


def main(arguments: list[str]) -> int:
    """One call."""
    with (FOLDER / "calls").open("a") as calls:
        calls.write(json.dumps(arguments) + "\n")
    at = arguments.index("--")
    (unit,) = arguments[at + 1 :]
    options = [word for word in arguments[:at] if word.startswith("-")]
    (verb,) = [word for word in arguments[:at] if not word.startswith("-")]
    unknown = [word for word in options if word not in OPTIONS and not word.startswith("--property=")]
    if unknown or "--no-pager" not in options:
        return refuse(f"systemctl: unrecognized option '{unknown}'", 1)
    if (FOLDER / "bus-is-down").exists():
        return refuse("Failed to connect to bus: Host is down", 1)
    return act(verb, unit, options)


def act(verb: str, unit: str, options: list[str]) -> int:
    """Do it to the unit."""
    file = FOLDER / f"{unit}.json"
    state: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {"load": "not-found"}
    if state.get("hang") == verb:
        while True:
            signal.pause()
    if verb == "show":
        return show(state, next(word for word in options if word.startswith("--property=")))
    if state.get("load", "loaded") != "loaded":
        masked = state["load"] == "masked"
        return refuse(
            f"Failed to {verb} {unit}: Unit {unit} {'is masked' if masked else 'not found'}.", 1 if masked else 5
        )
    VERBS[verb](state)
    beside = file.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(state))
    beside.replace(file)
    return 0


def show(state: dict[str, Any], option: str) -> int:
    """Its properties, as systemd writes them."""
    active = state.get("active", "inactive")
    subs = {"active": "running", "inactive": "dead", "failed": "failed", "deactivating": "stop-sigterm"}
    properties = {
        "LoadState": state.get("load", "loaded"),
        "LoadError": "",
        "ActiveState": active,
        "SubState": subs.get(active, active),
        "Result": state.get("result", "success"),
        "InvocationID": state.get("invocation", ""),
        "MemoryCurrent": str(state["memory"]) if active == "active" and "memory" in state else "[not set]",
        "ControlGroup": "",
    }
    for name in option.removeprefix("--property=").split(","):
        sys.stdout.write(f"{name}={properties[name]}\n")
    return 0


def start(state: dict[str, Any]) -> None:
    """Up, or failed."""
    state["invocation"] = uuid.uuid4().hex
    state.update({"active": "failed", "result": state["fails"]} if "fails" in state else {"active": "active"})


def stop(state: dict[str, Any]) -> None:
    """Down, unless it is deaf."""
    if state.get("active") == "active":
        state["active"] = "deactivating" if state.get("deaf") else "inactive"


def kill(state: dict[str, Any]) -> None:
    """All of it is gone; systemd starts it again if nobody had asked it to stop."""
    asked = state.get("active") == "deactivating"
    state.update({"active": "failed", "result": "signal"})
    if state.get("restart") and not asked:
        start(state)


def reset_failed(state: dict[str, Any]) -> None:
    """As if it had never failed."""
    if state.get("active") == "failed":
        state.update({"active": "inactive", "result": "success"})


VERBS = {"start": start, "stop": stop, "kill": kill, "reset-failed": reset_failed}


def refuse(why: str, status: int) -> int:
    """In systemctl's way."""
    sys.stderr.write(f"{why}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
