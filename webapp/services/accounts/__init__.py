"""Partners, people, and how they sign in."""
