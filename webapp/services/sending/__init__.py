"""From a reminder to a mail that was handed over, and whatever else may become of it."""
