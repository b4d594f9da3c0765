"""Where services run: a deployer each, over the platform's own program or API."""
