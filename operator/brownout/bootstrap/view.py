"""What the gateway may see of a running controller. It answers from memory; only decisions are asked of the history."""

from brownout.api.integration import Integration
from brownout.api.policy import BrownoutPolicy
from brownout.core.instant import Instant
from brownout.core.outlook import Outlook
from brownout.core.window import Window
from brownout.engine.budget_desk import BudgetDesk
from brownout.engine.controller import Controller
from brownout.engine.ports import DecisionRecord
from brownout.engine.secrecy import Secrecy
from brownout.engine.shadow_watch import ShadowReport
from brownout.engine.world import World
from brownout.telemetry.metrics import MetricsObserver


class ControllerView:
    """The gateway's ReadModel on a controller."""

    def __init__(self, controller: Controller, world: World, metrics: MetricsObserver, secrecy: Secrecy) -> None:
        self._controller = controller
        self._world = world
        self._metrics = metrics
        self._secrecy = secrecy

    def integrations(self) -> tuple[Integration, ...]:
        """Every integration with its present status, by key; of a plugin's config what its manifest lets be shown."""
        reconciler = self._controller.reconciler
        statuses = reconciler.statuses
        found = self._world.home.inventory().integrations
        return tuple(
            self._secrecy.covered(key, integration).model_copy(update={"status": statuses.get(key, integration.status)})
            for key, integration in sorted(found.items())
        )

    def policy(self) -> BrownoutPolicy:
        """The policy in force."""
        policy = self._world.home.inventory().policy
        return policy.model_copy(update={"status": self._controller.reconciler.policy_status})

    def window(self) -> Window:
        """The samples at hand."""
        return self._controller.reconciler.board.ledger.window

    def outlook(self) -> Outlook | None:
        """What the last tick expected."""
        snapshot = self._controller.reconciler.snapshot
        return snapshot.outlook if snapshot else None

    def shadows(self) -> ShadowReport | None:
        """How the policies fare that do not rule."""
        return self._controller.reconciler.shadows.report()

    async def decisions(self, *, integration: str | None, since: Instant, limit: int) -> tuple[DecisionRecord, ...]:
        """Newest first."""
        return await self._world.journal.decisions(key=self._key(integration), since=since, limit=limit)

    def metrics(self) -> tuple[bytes, str]:
        """The exposition."""
        return self._metrics.render()

    def readiness(self) -> tuple[str, ...]:
        """Why it is not fit for work."""
        return self._controller.faults()

    def alive(self) -> bool:
        """Whether the loop ticks."""
        return self._controller.alive()

    def budgets(self) -> BudgetDesk | None:
        """The desk of budgets."""
        return self._world.budgets

    def now(self) -> Instant:
        """Now."""
        return self._world.clock.now()

    def _key(self, name: str | None) -> str | None:
        """A name is enough where only one namespace has it."""
        keys = self._world.home.inventory().integrations
        if name is None or name in keys:
            return name
        return next((key for key, found in sorted(keys.items()) if found.name == name), name)
