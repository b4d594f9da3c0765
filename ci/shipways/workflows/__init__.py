"""CI: jobs that are one command each, for GitHub Actions and for this machine."""
