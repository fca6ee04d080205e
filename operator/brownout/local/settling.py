"""Which changes of files are over, so that no half-written file is taken for a whole one.

Pure. A file that is being written, truncated and written again, or deleted and made anew (as git and editors do)
looks different at two looks a moment apart. Half of a YAML file is often good YAML with another meaning: `priority:
1` of `priority: 10`.
"""

from collections.abc import Mapping

__all__ = ["settled", "unsettled"]

Digests = Mapping[str, str]


def settled(accepted: Digests, earlier: Digests, later: Digests) -> frozenset[str]:
    """Paths that changed since they were accepted, and looked the same at the last two looks; absence is a look too."""
    return frozenset(
        path
        for path in {*accepted, *earlier, *later}
        if later.get(path) != accepted.get(path) and later.get(path) == earlier.get(path)
    )


def unsettled(earlier: Digests, later: Digests) -> frozenset[str]:
    """Paths that looked different at the two looks."""
    return frozenset(path for path in {*earlier, *later} if later.get(path) != earlier.get(path))
