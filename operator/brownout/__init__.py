"""Brownout keeps a machine alive by lowering its less important integrations before memory runs out.

Only the version stands here: importing the package must cost nothing.
"""

__version__ = "0.1.0"
