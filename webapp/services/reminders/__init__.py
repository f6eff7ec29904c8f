"""Reminders that fall due: the facts behind the rules, the due index, and the planning."""
