"""Metrics and logs for the outside. It is told what happened and never asks."""
