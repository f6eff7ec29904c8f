"""Mail: addresses, one mail in its recipient's language, and the ways it goes out."""
