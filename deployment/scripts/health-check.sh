#!/bin/sh
# Rendered by shipways from [service]: edit that, then run `shipways render`.
# Asks each service of this machine for its health, or those that are named; 0 when all are healthy, 1 when one is not.
set -eu
line='
'
bad=0

# NAME URL STATUS SECONDS TEXT: says whether the answer has this status, and this text somewhere.
ask() {
	answer=$(curl --silent --show-error --max-time "$4" --write-out '\n%{http_code}' "$2") || answer="${line}000"
	status=${answer##*"$line"}
	if [ "$status" != "$3" ]; then
		echo "$1: unhealthy, $2 answers $status and not $3" >&2
		bad=1
		return
	fi
	case ${answer%"$line"*} in
	*"$5"*) echo "$1: healthy" ;;
	*)
		echo "$1: unhealthy, the answer of $2 has no $5 in it" >&2
		bad=1
		;;
	esac
}

[ $# -gt 0 ] || set -- deployer
# What stands in single quotes comes from the config, and is meant as it is.
# shellcheck disable=SC2016
for name in "$@"; do
	case $name in
	deployer) ask deployer http://127.0.0.1:8007/livez 200 5 '' ;;
	*)
		echo "$0: there is no $name to ask; there are: deployer" >&2
		exit 2
		;;
	esac
done
exit $bad
