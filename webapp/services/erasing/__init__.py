"""Erasing on request: who somebody was goes, that a mail went out stays."""
