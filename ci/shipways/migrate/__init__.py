"""A configuration of OpenClaw becomes one of aisopod: text → values → report, and no secret is in either."""
