"""Sending: the way from a reminder to a mail that was handed over, or that ended otherwise."""
