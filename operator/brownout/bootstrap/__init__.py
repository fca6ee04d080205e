"""The composition root: the one place that knows every adapter, the real clock and the process it runs in."""
