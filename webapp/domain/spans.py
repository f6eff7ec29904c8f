"""Spans of days by which people narrow lists."""

# From today on: the next decisions of clients.
AHEAD = (30, 60, 90, 120)
# Up to now: mails, and changes.
BACK = (7, 30, 90)
