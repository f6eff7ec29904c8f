"""The trail of changes, and the undoing of one."""
