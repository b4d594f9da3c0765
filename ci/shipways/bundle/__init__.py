"""Artifacts → what gets uploaded: archives, checksums, bills of materials, sources, formulas."""
