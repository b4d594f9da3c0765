"""Channels: places outside that should hold what a release has made."""
