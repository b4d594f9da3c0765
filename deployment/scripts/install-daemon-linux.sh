#!/bin/sh
# Rendered by shipways from [service]: edit that, then run `shipways render`.
# Installs the services with systemd, for you alone; with --system for the whole machine, as root.
# Names of services choose some; --dry-run only prints what would be done. It may be run again.
set -eu
cd "$(dirname "$0")/../.."
command -v shipways >/dev/null || {
	echo "$0: shipways is not on PATH; install it: pip install shipways" >&2
	exit 127
}
if [ "$(uname -s)" != Linux ]; then
	echo "$0: this is $(uname -s), which install-daemon-macos.sh may be for" >&2
	exit 2
fi
exec shipways service install "$@"
