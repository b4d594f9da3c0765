"""Sources → binaries, wheels, crates."""
