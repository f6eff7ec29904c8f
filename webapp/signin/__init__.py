"""Signing in: passwords, single-use links, and how often somebody may try."""
