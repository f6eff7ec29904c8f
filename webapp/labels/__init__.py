"""Words for codes."""
