"""One tick: observe, decide, record, validate, actuate, report.

observe   one immutable snapshot: samples, footprints, states, policy, intent
decide    core.decide: rules in one list, the first that answers wins
record    the intent of each step is durable before anything moves   } engine.actuate,
validate  what the step rests on is read again                       } in a task of its own,
actuate   one step at a time                                         } so that a tick is never late
report    status, event, metric: all say the same reason
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from brownout.api.policy import Mode
from brownout.api.status import IntegrationStatus, PolicyStatus
from brownout.core.capability import Notice
from brownout.core.decide import ask, decide, emergency
from brownout.core.gather import snapshot_of
from brownout.core.ledger import (
    footprints_measured,
    forgotten,
    levels_checked,
    levels_served,
    resumed,
    sampled,
    settled,
)
from brownout.core.member import Observation
from brownout.core.overtaking import let_go
from brownout.core.plan import Decision, Step, Verdict
from brownout.core.rehearsal import rehearse
from brownout.core.resources import others_sampled
from brownout.core.sample import Sample
from brownout.core.snapshot import Snapshot
from brownout.engine.budget_watch import BudgetWatch
from brownout.engine.health_watch import HealthWatch
from brownout.engine.herald import Herald
from brownout.engine.learning import LEARNT_INTERVALS, learn
from brownout.engine.load_watch import LoadWatch, Seen
from brownout.engine.memory import Acquaintance, by_key
from brownout.engine.observe import members_of, observe
from brownout.engine.observers import TickDetails
from brownout.engine.ports import Inventory, Outcome, OutcomeStatus
from brownout.engine.recall import NEWEST, newest
from brownout.engine.report import Machine, Reporter, policy_status_of
from brownout.engine.shadow_watch import ShadowWatch
from brownout.engine.standings import Standings
from brownout.engine.switchboard import Switchboard
from brownout.engine.timing import Stopwatch
from brownout.engine.waking import Waking
from brownout.engine.world import World

# History is read once, at the start; a disk that hangs must not keep the guard from its post.
RESUME_S = 10.0
# Footprints are read of the last day: starts are rare.
DAY_S = 86_400.0
# Whether it was done before the crash, nobody knows any more; what is seen now decides.
UNKNOWN_OUTCOME = Outcome(
    status=OutcomeStatus.SKIPPED, detail="the controller ended before the outcome of this was known"
)


class Reconciler:
    """Runs ticks. All it knows between two of them is the switchboard's ledger and what it last observed."""

    def __init__(self, world: World, wake: Callable[[str], None]) -> None:
        self._world = world
        self._met = Acquaintance()
        self._observed: Mapping[str, Observation] = {}
        self._resumed = False
        self.load = LoadWatch(world, self._seen)
        self.shadows = ShadowWatch(world)
        self.budgets = BudgetWatch(world, lambda: (self.inventory, self._observed))
        self.reporter = Reporter(world)
        self._herald = Herald(world)
        self.board = Switchboard(world, wake)
        self.waking = Waking(world, self.board, lambda: self.snapshot, wake)
        self.health = HealthWatch(world, lambda: self.snapshot, lambda: self.board.in_flight)
        self.inventory = Inventory()
        self.snapshot: Snapshot | None = None
        self.decision: Decision | None = None
        self.standings = Standings(world, self.board, self.health, lambda: self.inventory)
        self.policy_status = PolicyStatus()
        self.ticked_at: float | None = None
        self.passed_at = world.clock.now()  # the last pass that ended, also one that still waits for the inventory

    @property
    def statuses(self) -> Mapping[str, IntegrationStatus]:
        """What the status of each integration says since the last tick, by key."""
        return self.standings.known

    async def tick(self, cause: str) -> None:
        """One pass. An inventory that was never read in full is waited for: an empty index is not an empty cluster."""
        with self._world.contained("plugins"):
            await self._world.ladders.learn(self._world.home.inventory())
        inventory = self._world.inventory()
        if inventory.complete:
            await self._pass(inventory, cause)
        self.passed_at = self._world.clock.now()

    async def _pass(self, inventory: Inventory, cause: str) -> None:
        before, self.inventory = self.inventory, inventory
        await self._resume()
        self._part_with(before)
        watch = Stopwatch(self._world.clock)
        with watch("observe"):
            sample, observed = await observe(self._world, inventory)
            await self.budgets.catch_up()
        with watch("decide"):
            snapshot = self._take_in(inventory, sample, observed)
            decision = (rehearse if self._dry_run else decide)(snapshot, now=self._world.clock.now())
        self.snapshot, self.decision = snapshot, decision
        with watch("act"):
            await self._act(decision, inventory)
        with watch("report"):
            await self.standings.prepare(snapshot, decision, dry_run=self._dry_run)
            self._report(snapshot, decision, inventory)
        self.ticked_at = self._world.clock.now()
        self._tell(cause, decision, watch.durations_s)

    async def _resume(self) -> None:
        """Before the first look: what history tells, and the intents that a crash left without an outcome.

        A history that cannot be read in time costs what it would have told, never the controller. Learning comes last:
        what time it does not get the forecasters learn later, as if it were a new box.
        """
        if self._resumed:
            return
        self._resumed = True
        journal, now, policy = self._world.journal, self._world.clock.now(), self.inventory.policy.spec
        with self._world.contained("history"):
            async with asyncio.timeout(RESUME_S):
                reach_s = max(policy.window, LEARNT_INTERVALS * policy.interval)
                samples = await journal.window(since=now - reach_s, now=now)
                self.board.ledger = resumed(self.board.ledger, samples, policy, now=now)
                self._met.newest = newest(await journal.decisions(limit=NEWEST))
                self._met.recorded = by_key(await journal.footprints(since=now - DAY_S, now=now))
                for record in await journal.unresolved():
                    journal.resolve(record.id, at=now, outcome=UNKNOWN_OUTCOME)
                await learn(self.board, samples, policy)

    def emergency(self, used_percent: float) -> None:
        """The sentinel's call: decide the emergency on what was last observed, and act without waiting."""
        if self.snapshot is None or not self.inventory.complete:
            return
        now = self._world.clock.now()
        members = self.budgets.allowed(members_of(self.inventory, self._observed, self.board.worst, now=now))
        outlook = replace(self.snapshot.outlook, measured_percent=used_percent, base=None, total=None, why="")
        snapshot = replace(self.snapshot, members=members, outlook=outlook, in_flight=self.board.in_flight)
        decision = ask(emergency, snapshot, now=now)
        if decision is None or self._dry_run:
            return
        allowed = tuple(step for step in decision.steps if self._world.home.may_act(step.key))
        self.board.carry_out_now(replace(decision, steps=allowed), self.inventory, before=self._write_ahead)

    @property
    def _dry_run(self) -> bool:
        return self._world.dry_run or self.inventory.policy.spec.mode is Mode.DRY_RUN

    def _take_in(self, inventory: Inventory, sample: Sample, observed: Mapping[str, Observation]) -> Snapshot:
        """The ledger after this look, and the snapshot on it."""
        now, policy, board = self._world.clock.now(), inventory.policy.spec, self.board
        board.ledger = self._met.meet(board.ledger, inventory, observed, now=now)
        # After the meeting: what is measured belongs to the rung on which it was held before a restart.
        board.ledger = footprints_measured(sampled(board.ledger, sample, policy), observed)
        board.ledger = others_sampled(board.ledger, sample, policy)
        board.ledger, _ = settled(board.ledger, now=now)
        self._observed = observed
        members = members_of(inventory, observed, board.ledger, now=now)
        board.ledger, undone = let_go(board.ledger, members, in_flight=board.in_flight, now=now)
        if undone:
            members = members_of(inventory, observed, board.ledger, now=now)
        members, triggers = self.budgets.allowed(members), self.load.triggers()
        snapshot = snapshot_of(policy, board.ledger, members, in_flight=board.in_flight, now=now, triggers=triggers)
        snapshot = replace(snapshot, waking=self.waking.keys())
        self._keep(sample, snapshot)
        return snapshot

    def _keep(self, sample: Sample, snapshot: Snapshot) -> None:
        """History and shadows move with the window, not with ticks out of turn."""
        if self.board.ledger.window.latest is not sample:
            return
        with self._world.contained("shadows"):
            self.shadows.take(sample, snapshot.members, self.board.ledger)
        levels = {member.key: member.ladder.level_name(member.rung) for member in snapshot.members}
        with self._world.contained("history"):
            served = {key: did for key, did in self.load.served().items() if key in levels}
            findings = self.health.findings()
            leveled = {member.key for member in snapshot.members if member.ladder.levels}
            did = {key: served[key] for key in leveled & served.keys()}
            found = {key: findings[key] for key in leveled & findings.keys()}
            ledger = levels_served(self.board.ledger, did, now=sample.at)
            self.board.ledger = levels_checked(ledger, found, now=sample.at)
            self._world.journal.add_sample(sample, levels, served, findings)

    async def _act(self, decision: Decision, inventory: Inventory) -> None:
        steps = tuple(step for step in decision.steps if self._world.home.may_act(step.key))
        decision = replace(decision, steps=steps)
        if self._dry_run:
            with self._world.contained("history"):
                await self.board.rehearse(decision)
        elif decision.verdict is Verdict.EMERGENCY:
            self.board.carry_out_now(decision, inventory, before=self._write_ahead)
        elif steps:
            self.board.carry_out(decision, inventory, before=self._write_ahead)

    def _write_ahead(self, step: Step) -> asyncio.Task[bool] | None:
        """Put into the status what a step is about to do, so that a crash in between leaves a trace to undo."""
        if not step.action.sheds:
            return None
        known = self.statuses.get(step.key) or self.inventory.integrations[step.key].status or IntegrationStatus()
        return self.reporter.write_ahead(step.key, self.standings.ahead(known, step, self._observed.get(step.key)))

    def _report(self, snapshot: Snapshot, decision: Decision, inventory: Inventory) -> None:
        self.standings.renew(snapshot, decision, dry_run=self._dry_run)
        hardware = self._world.hardware_under(inventory.policy.spec)
        machine = Machine(node=self._world.node, hardware=hardware)
        self.policy_status = policy_status_of(
            snapshot, decision, inventory, self.policy_status, now=self._world.clock.now(), machine=machine
        )
        self.reporter.offer(self.statuses, self.policy_status)

    def _seen(self) -> Seen:
        """What triggers rest on, beside requests."""
        return Seen(
            integrations=self.inventory.integrations,
            policy=self.inventory.policy.spec,
            window=self.board.ledger.window,
            peak=self.snapshot.outlook.peak if self.snapshot else None,
            ailing=self.health.ailing(),
        )

    def _part_with(self, before: Inventory) -> None:
        """End what is no longer declared; a successor of the same name is met as a stranger."""
        gone = self._met.gone(self.inventory)
        for key in gone:
            known = before.integrations.get(key)
            driver = self._world.driver(known) if known else None
            if known is not None and driver is not None and not self._dry_run:
                self.board.part_with(key, known, driver, back=key not in self.inventory.foreign)
        self._met.forget(gone)
        self.standings.forget(gone)
        self.reporter.forget(gone)
        self.board.ledger = forgotten(self.board.ledger, gone)

    def _news(self) -> tuple[Notice, ...]:
        """What people are to be told. Of one that is being switched what is seen is over in a moment."""
        moving = self.board.in_flight
        still = {key: status for key, status in self.statuses.items() if key not in moving}
        with self._world.contained("home"):
            return self._herald.cry(still, self.inventory.integrations)
        return ()

    def _tell(self, cause: str, decision: Decision, durations_s: Mapping[str, float]) -> None:
        details = TickDetails(
            at=decision.at,
            cause=cause,
            sample=self.board.ledger.sample or Sample(at=decision.at),
            decision=decision,
            statuses=dict(self.statuses),
            policy_status=self.policy_status,
            durations_s=durations_s,
            notices=self._news(),
            runs=self.budgets.runs,
            readings={key: reading for key, reading in self.load.readings.items() if key in self.statuses},
            checked=self.health.all_seen(),
        )
        self._world.observers.on_tick(details)
