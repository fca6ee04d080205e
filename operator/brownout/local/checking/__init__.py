"""Health checks on this machine: by HTTP, by TCP and by a program."""
