"""Which version comes next, and how the files of a project get it."""
