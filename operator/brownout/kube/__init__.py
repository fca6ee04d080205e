"""The home in a cluster: kopf, the API server, the scale subresource. It knows no local file."""
