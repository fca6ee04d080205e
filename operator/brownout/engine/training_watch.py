"""The training watch: asks for a training when core.retraining says so and memory is calm, and puts what came of it
into the panel.

Everything works without it: what fails here costs a better forecast at most. A training takes some 200 MB for some
seconds, and memory is our subject: it begins only where that fits well below the disable threshold, and the sentinel
ends it at the first look at or above that.
"""

import asyncio
import logging
from dataclasses import replace
from typing import Final

from brownout.api.policy import ForecastModel, PolicySpec
from brownout.core.forecasting.champions import Champions
from brownout.core.forecasting.panel import Panel
from brownout.core.retraining import LEAST_HISTORY_S, Circumstances, due, live_ratio
from brownout.core.training_report import Kept, TrainingReport
from brownout.engine.reconcile import Reconciler
from brownout.engine.trainer import TrainingRequest
from brownout.engine.world import World

LOOK_S: Final = 60.0
#: After a start everything else comes first; a controller that restarts in a loop never trains.
FIRST_S: Final = 600.0
#: What a training takes at most (180 MB were measured on two weeks of samples), and a good part more.
ROOM_BYTES: Final = 300 * 2**20
#: History is long enough where there are samples from this much time before the least that is needed.
_SLICE_S: Final = 1800.0
_READ_S: Final = 10.0

_LOG = logging.getLogger(__name__)


class TrainingWatch:
    """Looks for ever, beside the planner. `champions` are those in force, `said` what came of the last training."""

    def __init__(self, world: World, reconciler: Reconciler) -> None:
        self._world = world
        self._reconciler = reconciler
        self._kept = Kept()
        self._attempted_at: float | None = None
        self._failures = 0
        self._new_samples = 0
        self._counted_at = 0.0
        self._equipped: Champions | None = None
        self._under_way: asyncio.Task[TrainingReport | None] | None = None
        self.said = ""

    @property
    def champions(self) -> Champions | None:
        """The models that training has left."""
        return self._kept.champions

    async def run(self) -> None:
        """Take up what is kept; from then on look every minute."""
        with self._world.contained("training"):
            self._kept = await self._world.trainer.kept()
        begun = self._world.clock.now()
        self._attempted_at = min(self._kept.last_at or 0.0, begun)  # a clock may have been set back since
        while True:
            with self._world.contained("training"):
                self.equip()
            await asyncio.sleep(LOOK_S)
            self._count()
            if self._world.clock.now() - begun >= FIRST_S:
                with self._world.contained("training"):  # a bug here costs a training, not the controller
                    await self.look()

    def equip(self) -> None:
        """See that the panel has the champions; one that was made anew, for other settings, has them no more."""
        board, champions = self._reconciler.board, self.champions
        panel = board.ledger.panel
        if panel is None or champions is None:
            return
        extra = champions.candidates(*_series(panel))
        if len(extra) != panel.trained or champions is not self._equipped:
            board.ledger = replace(board.ledger, panel=panel.with_candidates(extra), champions=champions)
            self._equipped = champions

    async def look(self) -> None:
        """Train if it is time, and if there is room."""
        panel, policy = self._reconciler.board.ledger.panel, self._reconciler.inventory.policy.spec
        if panel is None or policy.forecast.model is ForecastModel.OFF:
            return
        why = due(self._circumstances(panel))
        if why and self._calm(policy) and (self._fitting(panel) or await self._history_reaches_back()):
            await self._train(why, panel)

    def give_way(self) -> None:
        """Memory is short: a training under way ends at once. Returns at once."""
        if self._under_way is not None:
            self._under_way.cancel()

    def _circumstances(self, panel: Panel) -> Circumstances:
        champions = self._fitting(panel)
        return Circumstances(
            now=self._world.clock.now(),
            attempted_at=self._attempted_at,
            trained_at=self._kept.last_at,
            failures=self._failures,
            history_s=LEAST_HISTORY_S,  # asked only when all else is well: it is read from the disk
            new_samples=self._new_samples,
            champion_ratio=champions.trained.records[-1].ratio if champions and champions.trained else None,
            live_ratio=live_ratio(panel),
        )

    def _fitting(self, panel: Panel) -> Champions | None:
        champions = self.champions
        return champions if champions and champions.trained and champions.fits(*_series(panel)) else None

    def _calm(self, policy: PolicySpec) -> bool:
        """Whether memory is below the enable threshold, and with a training still below the disable threshold."""
        snapshot, used = self._reconciler.snapshot, self._world.used_percent(policy)
        limit = snapshot.outlook.limit_bytes if snapshot else None
        if used is None or not limit:
            return False
        return used < policy.thresholds.enable and used + 100.0 * ROOM_BYTES / limit < policy.thresholds.disable

    async def _history_reaches_back(self) -> bool:
        until = self._world.clock.now() - LEAST_HISTORY_S
        async with asyncio.timeout(_READ_S):
            return bool(await self._world.journal.window(since=until - _SLICE_S, now=until))

    async def _train(self, why: str, panel: Panel) -> None:
        self._attempted_at = self._world.clock.now()
        self._failures += 1  # until it is known to have gone well
        (steps, step_s), snapshot = _series(panel), self._reconciler.snapshot
        request = TrainingRequest(
            now=self._attempted_at,
            why=why,
            step_s=step_s,
            steps=steps,
            confidence_percent=panel.settings.confidence,
            limit_bytes=snapshot.outlook.limit_bytes if snapshot else None,
        )
        report = await self._reported(request)
        if report is None:
            self.said = "nobody trains here"
        elif report.fault:
            self._failed(report.fault)
        else:
            await self._succeeded(report)

    async def _reported(self, request: TrainingRequest) -> TrainingReport | None:
        """What came of it; nothing is left under way, also when we are told to end."""
        task = self._under_way = asyncio.create_task(self._world.trainer.train(request))
        try:
            await asyncio.wait((task,))
        finally:
            self._under_way = None
            task.cancel()
            await asyncio.wait((task,))
        if task.cancelled():
            return TrainingReport(at=request.now, why=request.why, fault="it gave way: memory became short")
        return task.result()

    def _failed(self, fault: str) -> None:
        self.said = f"no model: {fault}"
        self._world.observers.on_fault("training", fault)

    async def _succeeded(self, report: TrainingReport) -> None:
        self._failures = self._new_samples = 0
        self.said = report.verdict
        self._kept = await self._world.trainer.kept()
        self.equip()
        mib = report.peak_bytes / 2**20
        _LOG.info("trained on %d samples in %.1f s with %.0f MiB: %s", report.samples, report.seconds, mib, self.said)

    def _count(self) -> None:
        """How many samples have come since the last training."""
        samples = self._reconciler.board.ledger.window.samples
        self._new_samples += sum(sample.at > self._counted_at for sample in samples)
        self._counted_at = max((sample.at for sample in samples), default=self._counted_at)


def _series(panel: Panel) -> tuple[tuple[int, ...], float]:
    """What a panel foretells: its distances in steps, and the length of a step."""
    return tuple(track.steps for track in panel.tracks), panel.step_s
