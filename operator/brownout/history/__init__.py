"""Samples, decisions and outcomes in SQLite, bounded by age and size. It interprets nothing."""
