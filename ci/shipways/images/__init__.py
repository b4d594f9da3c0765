"""Programs → multi-platform OCI images."""
