"""Plugins: found, checked against what their owner trusts, and run each in a process of its own."""
