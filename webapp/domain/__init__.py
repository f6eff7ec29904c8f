"""The rules of renewal communication: standard library only, no clock, no I/O."""
