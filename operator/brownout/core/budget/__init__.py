"""A run of work with limits on time, tokens and API calls: what it used, how it stands, and whether to go on. Pure."""
