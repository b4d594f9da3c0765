"""How a file is written on a host: its path, sha256 and mode are given, then what the last step is done within."""

from typing import Final

PUT: Final = """
path=$1 digest=$2 mode=$3; shift 3
mkdir -p -- "$(dirname -- "$path")" && beside=$(mktemp -- "$path.XXXXXX") || exit
trap 'rm -f -- "$beside"' EXIT
cat >"$beside" || exit
if [ "$(sha256sum <"$beside")" != "$digest  -" ]; then
  rm -f -- "$beside"; echo "what has arrived is not what was sent" >&2; exit 1
fi
"$@" sh -c 'chmod "$3" "$1" && sync "$1" && mv -fT -- "$1" "$2"' sh "$beside" "$path" "$mode"
"""
"""Two who write the same file at once have a file each beside it, which does not outlive the command.

`exit` alone ends with the status of what has failed. Where nobody hears it any more, `echo` ends the shell, and dash
runs no trap then.
"""
