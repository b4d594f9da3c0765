"""Aegis: runs checks against services, and keeps what they said."""
