"""Where the commands that ask find their answers: the state folder of a box, a gateway, or a cluster."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import typer

from brownout.api.integration import Integration
from brownout.api.policy import DEFAULT_POLICY, BrownoutPolicy
from brownout.bootstrap.settings import HomeMode, default_state
from brownout.cli.question import Question
from brownout.cli.usage import wrong_usage
from brownout.core.errors import HomeUnavailable
from brownout.core.sample import Sample
from brownout.engine.ports import DecisionRecord
from brownout.gateway.token import read_token
from brownout.history.reader import HistoryReader
from brownout.local.lock import is_running
from brownout.local.status import read_policy, read_statuses
from brownout.processes.logs import output_file


class Source(Protocol):
    """What the commands ask. All raise BrownoutError where there is no answer."""

    notes: list[str]

    def integrations(self) -> tuple[Integration, ...]:
        """All of them with their status."""
        ...

    def policy(self) -> BrownoutPolicy:
        """The policy in force with its status."""
        ...

    def decisions(self, question: Question) -> tuple[DecisionRecord, ...]:
        """Newest first."""
        ...

    def samples(self, question: Question) -> tuple[Sample, ...]:
        """Oldest first."""
        ...


def source_of(
    *, state: Path | None, server: str | None, token_file: Path | None, mode: HomeMode, kubeconfig: Path | None
) -> Source:
    """The source that the options name; without any the box that has left a state, else the cluster of kubectl."""
    if token_file is not None and server is None:
        raise typer.BadParameter("--token-file is for a gateway: name it with --server")
    if server is not None:
        from brownout.cli.gateway_source import GatewaySource  # noqa: PLC0415 - urllib's HTTP is wanted only here

        with wrong_usage():
            return GatewaySource(server, token=read_token(token_file) if token_file else None)
    found = state or default_state()
    on_box = state is not None or mode is HomeMode.LOCAL or (mode is HomeMode.AUTO and (found / "status").is_dir())
    if on_box:
        return StateSource(found)
    return cluster_source(kubeconfig, instead="" if mode is HomeMode.KUBE else f"no controller has run with {found}")


def cluster_source(kubeconfig: Path | None, *, instead: str = "") -> Source:
    """The cluster's; its client is imported only here, it takes a second. `instead`: why it is asked at all."""
    from brownout.cli.cluster_source import ClusterSource  # noqa: PLC0415

    return ClusterSource(kubeconfig, instead=instead)


@dataclass
class StateSource:
    """The state folder of a box: what the controller wrote last, whether it still runs or not."""

    state: Path
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.state.is_dir() and not os.access(self.state, os.R_OK | os.X_OK):
            advice = "ask as the user who runs the controller, or its gateway with --server"
            raise HomeUnavailable(f"{self.state} cannot be read: it belongs to another user", advice=advice)
        if not self.state.is_dir():
            advice = "start one with `brownout run DIR`, or name its folder with --state"
            raise HomeUnavailable(f"no controller has ever run with the state folder {self.state}", advice=advice)
        if is_running(self.state) is None:
            self.notes.append(f"no controller runs with {self.state}; this is what the last one left")

    def integrations(self) -> tuple[Integration, ...]:
        """All of them with their last status."""
        return tuple(read_statuses(self.state).values())

    def output_of(self, name: str) -> Path | None:
        """The file of what the program of an integration printed; None where there is none."""
        path = output_file(self.state / "logs", name)
        return path if path.is_file() else None

    def policy(self) -> BrownoutPolicy:
        """The policy with its last status."""
        return read_policy(self.state) or DEFAULT_POLICY

    def decisions(self, question: Question) -> tuple[DecisionRecord, ...]:
        """From the history's file."""
        reader = self._reader()
        return reader.decisions(key=question.name, since=question.since, limit=question.limit) if reader else ()

    def samples(self, question: Question) -> tuple[Sample, ...]:
        """From the history's file."""
        reader = self._reader()
        return reader.samples(since=question.since) if reader else ()

    def _reader(self) -> HistoryReader | None:
        path = self.state / "history.db"
        return HistoryReader(path) if path.exists() else None
