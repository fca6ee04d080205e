"""The home of a single box: a directory of files, commands and systemd units."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

from brownout.api.integration import Integration
from brownout.api.workload import WorkloadKind
from brownout.bootstrap.assembly import Parts
from brownout.bootstrap.clock import SteadyClock
from brownout.bootstrap.faults import FaultLine
from brownout.bootstrap.plugins import Heard, Plugins
from brownout.bootstrap.settings import Settings, plugins_of
from brownout.core.errors import InvalidInput
from brownout.engine.ports import WorkloadDriver
from brownout.local.checking.prober import LocalProber
from brownout.local.command import CommandDriver
from brownout.local.files import LocalHome
from brownout.local.lock import StateLock
from brownout.local.systemd import SystemdDriver
from brownout.sensing.processes import ProcTable


def box(settings: Settings, why: str, *, clock: SteadyClock, faults: FaultLine, closing: ExitStack) -> Parts:
    """The parts of a box. Raises InvalidInput for a directory that is none, AlreadyRunning for a state in use."""
    if settings.directory is None:
        raise InvalidInput("no directory is named", advice="say where the integrations are: brownout run DIR")
    directory, state = Path(settings.directory), Path(settings.state)
    closing.enter_context(StateLock(state))
    folder = Path(settings.plugins) if settings.plugins else plugins_of(directory)
    home = LocalHome(directory, state, on_fault=faults, node=settings.node, sources=folder)
    home.load()
    rehearsal = settings.dry_run  # it ends nothing, not even what a killed controller left
    commands = CommandDriver(state, ProcTable(), directory=directory, clock=clock, on_fault=faults, rehearsal=rehearsal)
    heard = Heard()
    plugins = Plugins(state=state, folders=(folder,), clock=clock, faults=faults, heard=heard)
    drivers: dict[WorkloadKind, WorkloadDriver] = {
        WorkloadKind.COMMAND: commands,
        WorkloadKind.SYSTEMD: SystemdDriver(on_fault=faults),
        WorkloadKind.PLUGIN: plugins,
    }

    async def serve() -> None:
        if not rehearsal:
            await commands.recover(home.inventory().integrations)
            await plugins.recover()
        await home.run()

    async def hurry() -> None:
        programs = () if rehearsal else _programs(home)
        await asyncio.gather(plugins.hurry(), *(commands.stop(each, grace_s=0.0) for each in programs))

    return Parts(
        home=home,
        drivers=drivers,
        service=serve,
        hurry=hurry,
        close=home.close,
        why=why,
        runs_programs=True,
        requests=heard.requests,
        circuits=heard.circuits,
        usage=heard.usage,
        admission=heard.admission,
        secrecy=heard.secrecy,
        manifests=plugins,
        prober=LocalProber(state, ProcTable(), directory=directory, on_fault=faults),
    )


def _programs(home: LocalHome) -> tuple[Integration, ...]:
    """What is declared to run as a command."""
    declared = home.inventory().integrations.values()
    return tuple(each for each in declared if each.spec.workload.command is not None)
