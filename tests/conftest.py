"""What holds for every test: laws are searched without a clock, and in CI nothing is skipped.

Fixtures belong to the folders that need them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# How long one example takes says more about the machine than about the law.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# pytest-asyncio asks for the thread's current loop before each coroutine test, and asyncio makes one where none was
# ever set; nobody closes it, and the test in which it is collected fails for it. Said to be none, it stays none.
asyncio.set_event_loop(None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is skipped in CI has failed: nobody would see that it never ran."""
    report = yield
    if report.skipped and _in_ci() and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", _refusal(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """As above, for a whole file that is skipped."""
    report = yield
    if report.outcome == "skipped" and _in_ci():
        report.outcome, report.longrepr = "failed", _refusal(report)
    return report


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() == "true"


def _refusal(report: pytest.TestReport | pytest.CollectReport) -> str:
    return f"skipped, which fails where CI=true: {report.longreprtext.strip()}"
