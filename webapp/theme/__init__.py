"""The intranet's look: a theme sets the stylesheet's tokens and brings a logo, or is refused with all its faults."""
