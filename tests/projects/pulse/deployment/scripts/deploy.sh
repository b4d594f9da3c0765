#!/bin/sh
# Rendered by shipways from [service]: edit that, then run `shipways render`.
# Deploys the services to a platform; more words are handed on to `shipways deploy`.
set -eu
cd "$(dirname "$0")/../.."
command -v shipways >/dev/null || {
	echo "$0: shipways is not on PATH; install it: pip install shipways" >&2
	exit 127
}
case "${1-}" in
compose | fly | kubernetes | render)
	exec shipways deploy "$@"
	;;
*)
	echo "usage: $0 compose|fly|kubernetes|render [OPTION]..." >&2
	exit 2
	;;
esac
