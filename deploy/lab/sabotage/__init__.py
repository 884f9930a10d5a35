"""`nineways lab fault`: lets things go wrong on purpose, until they are healed."""
