from hypothesis import settings

from tests.support.proof import TIMES

pytest_plugins = [
    "tests.support.run",
    "tests.support.network",
    "tests.support.sites",
    "tests.support.browser",
    "tests.support.cast",
    "tests.support.portal",
    "tests.support.forms",
    "tests.support.provider",
]

# At the gate the same cases each time, on however busy a machine.
settings.register_profile("portal", derandomize=TIMES == 1, deadline=None, database=None)
settings.load_profile("portal")
