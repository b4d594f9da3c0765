#!/bin/sh
# Rendered by shipways from [service]: edit that, then run `shipways render`.
# Deploys the services to a platform by its own program; more words are handed on to that.
set -eu
cd "$(dirname "$0")/../.."
command -v shipways >/dev/null || {
	echo "$0: shipways is not on PATH; install it: pip install shipways" >&2
	exit 127
}
case "${1-}" in
compose)
	shift
	exec docker compose --file deployment/docker/docker-compose.yml up --detach --wait "$@"
	;;
fly)
	shift
	fly deploy --config deployment/fly/deployer/fly.toml "$@"
	;;
kubernetes)
	shift
	exec kubectl apply --kustomize deployment/kubernetes"/overlays/${ENV_PROFILE:-prod}" "$@"
	;;
launchd | systemd)
	shift
	exec shipways service install "$@"
	;;
*)
	echo "usage: $0 compose|fly|kubernetes|launchd|systemd [OPTION]..." >&2
	exit 2
	;;
esac
