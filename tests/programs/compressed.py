"""The controller, as `brownout run` becomes it, in a world whose time runs so many times faster.

compressed.py FACTOR SETTINGS

A policy scales every time but one: how long a start is reckoned to take, which stands as a constant in minutes.
It ends with the process that started it, however that ends, and with it all that it runs.
"""

import ctypes
import signal
import sys

from brownout.bootstrap.__main__ import main
from brownout.core import expected_cost

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    expected_cost.START_MIN /= float(sys.argv[1])
    sys.exit(main(sys.argv[2:]))
