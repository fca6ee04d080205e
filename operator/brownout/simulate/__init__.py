"""The closed loop in virtual time: the production core, and its rivals, on a box that is a model."""
