"""The controller, as `brownout run` becomes it, in a world whose time runs so many times faster.

compressed.py FACTOR SETTINGS

A policy scales every time but one: how long a start is reckoned to take, which stands as a constant in minutes.
"""

import sys

from brownout.bootstrap.__main__ import main
from brownout.core import expected_cost

if __name__ == "__main__":
    expected_cost.START_MIN /= float(sys.argv[1])
    sys.exit(main(sys.argv[2:]))
