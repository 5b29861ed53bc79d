"""What the end-to-end tests of Impulse are written with: a scratch server and three clients."""

import os

SLOWNESS = float(os.environ.get("IMPULSE_TEST_SLOWNESS", "1"))


def patience(seconds):
    """A time-out scaled for the build under test: sanitizers make everything slower."""
    return seconds * SLOWNESS


DEFAULT_PATIENCE = patience(10)
