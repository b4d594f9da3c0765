"""Streams into archives and compressed files, whose bytes depend only on what goes in."""
