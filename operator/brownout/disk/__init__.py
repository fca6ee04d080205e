"""What lies on disk, for every adapter: opened safely, read as YAML within bounds, replaced whole.

It knows no objects.
"""
