"""Building on a host: an image by its Dockerfile, or an environment of Python, each in a unit that ends in time."""

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import anyio

from shipways.deploy.bringing import CONTENT, listed
from shipways.deploy.fenced import must, read
from shipways.errors import Problem, Unfinished
from shipways.model.job import Method
from shipways.outside.hosts import Host

APP: Final = "app"
"""The folder that a program is started in: a copy of the tree, where commands may write while it is built."""
VENV: Final = "venv"
_BUILT: Final = "built"
"""The file that says of which content all of it was built."""
_LABEL: Final = "shipways.content"
_LINES: Final = 40
"""Of what a build prints, in an error."""
_LOG: Final = "build.log"
"""What an engine has printed: it names what it has made, and what nobody finds by a name afterwards."""
_IMAGE: Final = """
{ docker build --force-rm --label "$1" --tag "$2:$3" -- "$4"; echo "$?" >"$5.status"; } 2>&1 | tee -- "$5"
status=$(cat -- "$5.status"); rm -f -- "$5.status"
[ "$status" = 0 ] || exit "$status"
docker tag "$2:$3" "$2:latest"
"""
_PYTHON: Final = """
set -e
cd "$1"
rm -rf app venv built
cp -a --reflink=auto tree app
asks=no
if grep -q '^[[:space:]]*[^#[:space:]]' app/requirements.txt 2>/dev/null; then asks=yes; fi
if [ "$asks $2 $#" = "no no 2" ]; then python3 -m venv --without-pip venv; else python3 -m venv venv; fi
PATH="$1/venv/bin:$PATH"; export PATH
cd app
if [ $asks = yes ]; then pip install --requirement requirements.txt; fi
if [ "$2" = yes ]; then pip install .; fi
shift 2
for line in "$@"; do echo "+ $line"; sh -e -c "$line"; done
"""
"""Where nothing is installed and no line is run, nobody would call pip: it is nearly all of the time."""
_SANDBOX: Final = (
    *("ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "PrivateDevices=yes", "NoNewPrivileges=yes"),
    *("ProtectKernelTunables=yes", "ProtectKernelModules=yes", "ProtectControlGroups=yes", "RestrictSUIDSGID=yes"),
)
"""What packages run while they are installed can write nowhere else."""
_ENVIRONMENT: Final = (
    *("HOME=/tmp", "PIP_NO_INPUT=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_CACHE_DIR=1"),
    *("PIP_ROOT_USER_ACTION=ignore", "PYTHONDONTWRITEBYTECODE=1"),
)
_GONE: Final = """
id=$(docker image inspect --format "{{.Id}}" "$1:$2" 2>/dev/null) || exit 0
if [ "$(docker image inspect --format "{{.Id}}" "$1:latest" 2>/dev/null)" = "$id" ]; then
  docker tag "$1:$3" "$1:latest" 2>/dev/null || docker image rm "$1:latest"
fi
docker image rm "$1:$2"
"""
"""`latest` is the one that runs again."""
_LEFT: Final = r"""
[ -e "$1" ] || exit 0
sed -n 's/^ ---> Running in \([0-9a-f]\{12\}\)$/\1/p' "$1" | while read -r each; do
  docker container rm "$each" >&2
done
awk '/^Step .* : FROM / { base = 1; next } / ---> Using cache$/ { cached = 1; next }
  /^ ---> [0-9a-f]+$/ { if (!base && !cached) print $2; base = cached = 0 }' "$1" | tac | while read -r each; do
  named=$(docker image inspect --format "{{len .RepoTags}}{{len .RepoDigests}}" "$each") || continue
  [ "$named" != 00 ] || docker image rm --no-prune "$each" >&2
done
rm -f -- "$1"
"""
"""What a build has made itself, the last first: no base, nothing out of the cache, nothing that has a name by now.

An engine that builds by BuildKit names nothing and leaves nothing: its cache has a bound of its own.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Yard:
    """Where a release of a service is built: in its folder on a host."""

    host: Host
    service: str
    folder: str

    @property
    def id(self) -> str:
        """Of the release."""
        return posixpath.basename(self.folder)

    @property
    def unit(self) -> str:
        """In which it is built: the next attempt finds it there, and whoever takes it back."""
        return f"{self.service}-build-{self.id}.service"

    @property
    def log(self) -> str:
        """What was printed while an image was built."""
        return f"{self.folder}/{_LOG}"

    async def built(self, content: str) -> bool:
        """Whether what is started is there, built of this content. Raises Transient."""
        found = await listed(self.host, self.folder)
        if not found or found.digest != content:
            return False
        return content == await (self._labelled() if found.recipe.method is Method.DOCKER else self._marked())

    async def build(self, limit: float, told: Callable[[str], None]) -> None:
        """Build what its folder says, in so many seconds; `told` hears lines as they are printed. Raises Unfinished."""
        found = await listed(self.host, self.folder)
        if found is None:
            raise Unfinished(Problem(path=self.folder, what="is not whole any more"))
        if found.recipe.method is Method.DOCKER:
            image = (f"{_LABEL}={found.digest}", self.service, self.id, f"{self.folder}/{CONTENT}", self.log)
            await self._swept()
            await self._run(limit, told, ("HOME=/root",), (), ("sh", "-c", _IMAGE, "sh", *image))
            return
        words = (self.folder, "yes" if found.recipe.installs else "no", *found.recipe.commands)
        bound = (*_SANDBOX, f"ReadWritePaths={self.folder}")
        await self._run(limit, told, _ENVIRONMENT, bound, ("sh", "-c", _PYTHON, "sh", *words))
        await self.host.put(found.digest.encode(), f"{self.folder}/{_BUILT}", mode=0o644)

    async def discard(self, *, docker: bool) -> None:
        """Remove what is not in the folder; a build that goes on ends. Raises Transient, Unfinished."""
        await self._stop()
        if docker:
            current = posixpath.join(posixpath.dirname(posixpath.dirname(self.folder)), "current")
            runs = posixpath.basename((await self.host.run(("readlink", "--", current))).stdout.strip())
            await must(self.host, "sh", "-c", _GONE, "sh", self.service, self.id, runs or "-")
            await self._swept()

    async def _swept(self) -> None:
        """Remove what a build has left besides its image; one that was killed, too."""
        await self.host.run(("sh", "-c", _LEFT, "sh", self.log))

    async def _labelled(self) -> str:
        form = f'{{{{index .Config.Labels "{_LABEL}"}}}}'
        image = ("docker", "image", "inspect", "--format", form, f"{self.service}:{self.id}")
        return (await self.host.run(image)).stdout.strip()

    async def _marked(self) -> str:
        return await read(self.host, f"{self.folder}/{_BUILT}")

    async def _stop(self) -> None:
        await self.host.run(("systemctl", "stop", "--", self.unit))

    async def _run(
        self, limit: float, told: Callable[[str], None], env: Sequence[str], bound: Sequence[str], argv: Sequence[str]
    ) -> None:
        """In a unit of its own, which ends with all that is in it: in time, and when nobody waits for it."""
        await self._stop()
        words = ("systemd-run", "--wait", "--pipe", "--collect", f"--unit={self.unit}")
        properties = (*bound, f"RuntimeMaxSec={limit:.0f}s", "OOMPolicy=stop", "Description=Built by shipways")
        options = (*(f"--setenv={each}" for each in env), *(f"--property={each}" for each in properties))
        try:
            done = await self.host.follow((*words, *options, "--", *argv), told)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._stop()
            raise
        if done.code:
            end = "\n".join(done.stdout.rstrip().splitlines()[-_LINES:])
            raise Unfinished(Problem(path=f"{self.service}: build", what=f"ended with status {done.code}", why=end))
