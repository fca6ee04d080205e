"""A real agent, behind the proxy and in front of a double of such a server: stopped, let finish, continued."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli_budget.wrapped import Wrapped, agent
from tests.programs.openai_double import PROMPT_TOKENS, double


@pytest.mark.parametrize("kind", ["whole", "stream"])
def test_an_agent_is_stopped_at_its_token_limit_with_its_partial_result(wrapped: Wrapped, kind: str) -> None:
    """Twenty tasks of 100 tokens, and 550 tokens in all: six are done, the sixth went over the limit and is kept."""
    results = wrapped.file("results")
    with double() as server:
        done = wrapped.run(agent(results, 20, 100 - PROMPT_TOKENS, kind), tokens=550, upstream=server.url)
    assert done.returncode == 124, done.stderr
    assert done.stdout == "told to stop: StopExceeded\n"
    assert results.read_text() == "".join(f"task {number}: 90 words\n" for number in range(1, 7))
    found = wrapped.record()
    assert (found.usage.tokens, found.usage.api_calls, found.checkpoints) == (600, 6, 6)
    assert "the limit of tokens is reached" in done.stderr
    assert [one.header("Authorization") for one in server.seen] == ["Bearer sk-the-key-of-the-agent"] * 6
    assert "sk-the-key" not in done.stderr + done.stdout


def test_an_agent_that_is_nearly_done_may_finish(wrapped: Wrapped) -> None:
    """Ten tasks of 95 of 1000 tokens: it is warned at 855, says that it is 90 % done, and comes to its end."""
    results = wrapped.file("results")
    with double() as server:
        done = wrapped.run(agent(results, 10, 85, "progress"), tokens=1000, upstream=server.url)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    assert re.search(r"approaching a limit \(tokens: 855 of 1,000 \(85\.5 %\), 145 remaining\): finish", done.stderr)
    assert len(results.read_text().splitlines()) == 10
    assert wrapped.record().stopped_by == "Completed"


def test_an_agent_with_much_left_to_do_is_stopped_when_it_approaches(wrapped: Wrapped) -> None:
    """Twenty tasks of 100 of 1000 tokens: at 800 it says that 40 % is done, and is told to stop: code 123."""
    results = wrapped.file("results")
    with double() as server:
        done = wrapped.run(agent(results, 20, 90, "progress", "stream"), tokens=1000, upstream=server.url)
    assert (done.returncode, done.stdout) == (123, "told to stop: StopGracefully\n"), done.stderr
    assert len(results.read_text().splitlines()) == 8
    assert wrapped.record().stopped_by == "StoppedGracefully"


def test_a_stopped_agent_continues_with_more_where_it_ended(wrapped: Wrapped) -> None:
    """What it used stays used, and its last checkpoint is handed to it; without more it is not even started."""
    results = wrapped.file("results")
    with double() as server:
        command = agent(results, 6, 90)
        assert wrapped.run(command, tokens=300, upstream=server.url).returncode == 124
        none = wrapped.run(command, resume=True, upstream=server.url)
        assert none.returncode == 1
        assert none.stderr.startswith(
            'brownout: nothing is left of the budget of "run": the limit of tokens is reached'
        )
        summary_file = str(wrapped.file("sum.json"))
        more = wrapped.run(command, resume=True, tokens=2000, upstream=server.url, summary_file=summary_file)
    assert (more.returncode, more.stdout) == (0, "done\n"), more.stderr
    assert results.read_text() == "".join(f"task {number}: 90 words\n" for number in range(1, 7))
    summary = json.loads(Path(summary_file).read_text())
    assert summary["usage"]["tokens"] == {"used": 600, "limit": 2000, "percent": 30.0, "remaining": 1400}
    assert (summary["stoppedBy"], summary["checkpoints"]["count"], summary["exitStatus"]) == ("Completed", 6, 0)


def test_an_upstream_that_is_away_is_told_in_the_form_of_these_apis(wrapped: Wrapped) -> None:
    """502 with a sentence; the attempt counts as a call, so that nobody tries without end."""
    with double() as server:
        url = server.url
    done = wrapped.run(agent(wrapped.file("r"), 3, 5), apiCalls=10, upstream=url)
    assert done.returncode == 5
    assert done.stdout == f"refused: brownout: {url} cannot be reached: Connection refused\n"
    assert (wrapped.record().usage.api_calls, wrapped.record().stopped_by) == (1, None)
