#!/bin/sh
# Rendered by shipways from [service]: edit that, then run `shipways render`.
# Builds every program and image into dist/; words are handed on to `shipways build`.
set -eu
cd "$(dirname "$0")/../.."
command -v shipways >/dev/null || {
	echo "$0: shipways is not on PATH; install it: pip install shipways" >&2
	exit 127
}
exec shipways build "$@"
