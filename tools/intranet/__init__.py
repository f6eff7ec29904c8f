"""A small company intranet with the portal in it, on one machine: ``make demo-intranet``."""
