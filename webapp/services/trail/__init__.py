"""Changes that were made: their trail, and how one is undone."""
