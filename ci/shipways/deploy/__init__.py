"""Platforms that services run on: what is rendered for each."""
