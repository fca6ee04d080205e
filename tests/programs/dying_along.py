"""The controller, as `brownout run` becomes it, in a process that does not outlive the one that started it.

dying_along.py SETTINGS

It ends with the process that started it, however that ends, and with it all that it runs.
"""

import ctypes
import signal
import sys

from brownout.bootstrap.__main__ import main

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    sys.exit(main(sys.argv[1:]))
