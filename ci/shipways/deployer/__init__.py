"""The deployer service: HTTP, and a page for people. What is done is in `run/`."""
