"""shipways.toml as frozen values."""
