"""Templates → text; write, check, show."""
