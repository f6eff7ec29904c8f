"""Lists of clients and contacts that are read from a file."""
