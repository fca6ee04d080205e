"""HTTP on loopback: liveness, readiness, metrics. It shows what others know and decides nothing."""
