"""Rivals: other policies in the same loop, one file each. They know on and off; only the plain two look at 65 %."""
