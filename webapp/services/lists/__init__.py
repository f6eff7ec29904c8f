"""Whatever is shown, exported or served as a list."""
