"""The asynchronous loop around the core: planner, sentinel, actuation. It knows its own ports and no vendor."""
