"""The loops: planning, running, reporting. Skips, limits and timing are here and nowhere else."""
