"""Laws are searched without a clock: how long one example takes says more about the machine than about the law."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None, max_examples=40)
settings.load_profile("untimed")
