"""Measurements: `make bench`. Figures, not verdicts; nothing here runs with the tests."""
