#!/bin/sh
# Rendered by shipways from [service]: edit that, then run `shipways render`.
# Controls the installed services: the same words on Linux and on macOS.
set -eu
cd "$(dirname "$0")/../.."
command -v shipways >/dev/null || {
	echo "$0: shipways is not on PATH; install it: pip install shipways" >&2
	exit 127
}
case "${1-}" in
install | uninstall | status | logs)
	exec shipways service "$@"
	;;
start | stop | restart)
	exec shipways service ctl "$@"
	;;
*)
	echo "usage: $0 install|uninstall|start|stop|restart|status|logs [--system] [NAME]..." >&2
	exit 2
	;;
esac
