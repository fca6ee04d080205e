"""A small agent: a list of tasks, a call of a model for each, and results that are worth something when it is stopped.

    agent.py RESULTS TASKS TOKENS_EACH [stream] [progress] [slow SECONDS]

It calls `OPENAI_BASE_URL`, as the programs of this kind do, and asks the socket of its budget after each task whether
to go on. What is done so far stands in RESULTS, a line for each task, and in a checkpoint; with one of these it begins
where that ends. It has the standard library only: it stands for a program that has read our documentation.
"""

import json
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


class Budget:
    """One connection to the socket of the budget; without one, nothing is ever refused."""

    def __init__(self) -> None:
        path = os.environ.get("BROWNOUT_BUDGET_SOCKET")
        self._line = None
        if path:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(path)
            self._line = connection.makefile("rw")

    def report(self, **said: Any) -> dict[str, Any]:
        """Say it; how the run stands."""
        if self._line is None:
            return {"advice": {"continue": True, "what": "Continue"}}
        self._line.write(json.dumps(said) + "\n")
        self._line.flush()
        answer: dict[str, Any] = json.loads(self._line.readline())
        return answer


def call(tokens: int, *, stream: bool) -> str:
    """One call of the model. Raises HTTPError where it is refused."""
    asked = {
        "model": "words",
        "max_tokens": tokens,
        "messages": [{"role": "user", "content": "go on"}],
        "stream": stream,
    }
    request = urllib.request.Request(  # noqa: S310 - our own URL
        os.environ["OPENAI_BASE_URL"] + "/chat/completions",
        data=json.dumps(asked).encode(),
        headers={"Content-Type": "application/json", "Authorization": "Bearer sk-the-key-of-the-agent"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        if not stream:
            return str(json.load(answer)["choices"][0]["message"]["content"])
        events = [line[6:] for line in answer.read().split(b"\n") if line.startswith(b"data: {")]
        return "".join(json.loads(event)["choices"][0]["delta"]["content"] for event in events)


def first_task() -> int:
    """Where to begin: after what the last checkpoint says is done."""
    kept = os.environ.get("BROWNOUT_BUDGET_CHECKPOINT")
    return int(json.loads(Path(kept).read_text())["done"]) if kept else 0


def work(results: Path, tasks: int, tokens: int, *, stream: bool, progress: bool, pause_s: float) -> str:
    """Do the tasks; why it ended."""
    budget = Budget()
    for number in range(first_task(), tasks):
        try:
            text = call(tokens, stream=stream)
        except urllib.error.HTTPError as refusal:
            return f"refused: {json.load(refusal)['error']['message']}"
        with results.open("a") as file:
            file.write(f"task {number + 1}: {len(text.split())} words\n")
        said = {"progress": (number + 1) / tasks} if progress else {}
        advice = budget.report(checkpoint={"done": number + 1}, **said)["advice"]
        if not advice["continue"] and number + 1 < tasks:
            return f"told to stop: {advice['what']}"
        signal.sigtimedwait([], pause_s)
    return "done"


if __name__ == "__main__":
    file, count, each, *words = sys.argv[1:]
    why = work(
        Path(file), int(count), int(each), stream="stream" in words, progress="progress" in words,
        pause_s=float(words[words.index("slow") + 1]) if "slow" in words else 0.0,
    )  # fmt: skip
    print(why)
    sys.exit(0 if why == "done" else 5)
