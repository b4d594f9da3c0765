"""Berths: one module for each channel that can be rehearsed."""
