"""What an artifact is made of, told by lock files and build information: a module for each kind of project."""
