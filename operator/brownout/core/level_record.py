"""What is known of one level of one integration from its own past: requests, failures, times, and starts in vain. Pure.

A level that fails is not switched to: pressure passes it over for the next one down, and a return for the next one up.
It gets another chance after a rest, or it would be bad for ever.
"""

from dataclasses import dataclass, replace

from brownout.core.instant import Instant
from brownout.core.rates import Served
from brownout.core.response_times import quantile_ms, together

# After a switch to it that had to be undone a level rests for 1, 2, 4 ... min, at most an hour: each try costs its
# users a restart.
FIRST_REST_S = 60.0
LONGEST_REST_S = 3600.0
# Of at least so many requests so large a share failed: then it is the level, not chance (of 20 at a true share of a
# tenth, ten or more fail once in 140 000 times).
FEWEST_REQUESTS = 20
FAILING_SHARE = 0.5
FAILING_REST_S = 600.0
# Beyond so many requests the older ones count half: what a level did last week says little of today.
REMEMBERED = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRecord:
    """`times` counts response times (see response_times), `checks` and `check_errors` what its health checks found, and
    `misses` switches in a row that it did not come up from.

    It is not switched to before `rests_until`; `why` says why.
    """

    requests: int = 0
    failures: int = 0
    timed: int = 0
    response_ms_sum: float = 0.0
    times: tuple[int, ...] = ()
    checks: int = 0
    check_errors: int = 0
    misses: int = 0
    rests_until: Instant = 0.0
    why: str = ""

    @property
    def failure_share(self) -> float | None:
        """Share of its requests that failed, or of its checks where there were no requests; None without any."""
        if self.requests:
            return self.failures / self.requests
        return self.check_errors / self.checks if self.checks else None

    @property
    def response_ms(self) -> float | None:
        """Mean response time; None where none is known."""
        return self.response_ms_sum / self.timed if self.timed else None

    @property
    def p95_ms(self) -> float | None:
        """The time within which 95 % were answered; None where none is known."""
        return quantile_ms(self.times, 0.95)

    @property
    def failing(self) -> bool:
        """Whether so many of its requests, or of its checks, fail that it is of no use."""
        return _mostly(self.failures, self.requests) or _mostly(self.check_errors, self.checks)

    def reliability(self) -> float:
        """The share of its service that it really gives: without what fails, once that is more than chance."""
        return 1.0 - self.failures / self.requests if self.requests >= FEWEST_REQUESTS else 1.0

    def resting(self, now: Instant) -> bool:
        """Whether it is not to be switched to now."""
        return now < self.rests_until

    def served(self, did: Served, *, now: Instant) -> "LevelRecord":
        """With what it did since the last look. One that fails then rests once it has been left."""
        if did.requests <= 0:
            return self
        old = self._halved() if self.requests > REMEMBERED else self
        timed = sum(did.times) if did.response_ms is not None else 0
        found = replace(
            old,
            requests=old.requests + did.requests,
            failures=old.failures + min(did.requests, did.errors),
            timed=old.timed + timed,
            response_ms_sum=old.response_ms_sum + timed * (did.response_ms or 0.0),
            times=together(old.times, did.times),
        )
        if not _mostly(found.failures, found.requests):
            return found
        return found.rested(f"{100.0 * found.failures / found.requests:.0f} % of its requests failed", now=now)

    def checked(self, checks: int, errors: int, *, now: Instant) -> "LevelRecord":
        """With what its health checks found since the last look; like requests, old ones count half at times."""
        if checks <= 0:
            return self
        past, wrong = (
            (self.checks // 2, self.check_errors // 2)
            if self.checks > REMEMBERED
            else (
                self.checks,
                self.check_errors,
            )
        )
        found = replace(self, checks=past + checks, check_errors=wrong + min(checks, errors))
        if not _mostly(found.check_errors, found.checks):
            return found
        return found.rested(f"{100.0 * found.check_errors / found.checks:.0f} % of its checks failed", now=now)

    def rested(self, why: str, *, now: Instant) -> "LevelRecord":
        """As one that fails: it is not switched to for some time from now on."""
        return replace(self, rests_until=max(self.rests_until, now + FAILING_REST_S), why=why)

    def missed(self, why: str, *, now: Instant) -> "LevelRecord":
        """With one more switch to it that had to be undone."""
        rest_s = min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(self.misses, 20))
        return replace(self, misses=self.misses + 1, rests_until=now + rest_s, why=why)

    def came_up(self) -> "LevelRecord":
        """With a switch to it that held: what was wrong is past, and it is judged anew."""
        forgiven = replace(self, requests=0, failures=0, checks=0, check_errors=0) if self.failing else self
        return replace(forgiven, misses=0, rests_until=0.0, why="") if self.why else forgiven

    def _halved(self) -> "LevelRecord":
        return replace(
            self,
            requests=self.requests // 2,
            failures=self.failures // 2,
            timed=self.timed // 2,
            response_ms_sum=self.response_ms_sum * (self.timed // 2) / self.timed if self.timed else 0.0,
            times=tuple(count // 2 for count in self.times),
        )


UNTRIED = LevelRecord()


def _mostly(wrong: int, of: int) -> bool:
    return of >= FEWEST_REQUESTS and wrong >= FAILING_SHARE * of
