pytest_plugins = [
    "tests.support.run",
    "tests.support.network",
    "tests.support.browser",
    "tests.support.cast",
]
