"""The harbour: local stand-ins of the places that a release goes to, with faults on demand."""
