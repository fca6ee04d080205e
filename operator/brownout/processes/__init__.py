"""Processes of this machine, for whoever starts some: what they print, how they end, how long to wait after a failure.

It knows no integrations.
"""
