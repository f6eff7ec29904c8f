from hypothesis import settings

pytest_plugins = [
    "tests.support.run",
    "tests.support.network",
    "tests.support.browser",
    "tests.support.cast",
    "tests.support.forms",
]

# Properties are a gate: the same cases each time, on however busy a machine.
settings.register_profile("gate", derandomize=True, deadline=None, database=None)
settings.load_profile("gate")
