"""Lists: one page at a time, for pages, exports and other machines."""
