"""Renewal Portal: who owns each renewal conversation, and the reminders that follow."""
