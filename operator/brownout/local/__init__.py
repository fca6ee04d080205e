"""The home on a single box: YAML files, commands and systemd units. It knows no cluster."""
