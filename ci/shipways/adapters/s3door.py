"""Asks a server of S3 by botocore, whose own chain finds the credentials: nobody here reads them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

import anyio
import botocore.session
import httpx
from anyio import to_thread
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shipways import __version__
from shipways.adapters import s3errors, web
from shipways.config.publish import FilesTable
from shipways.errors import Problem, Transient, Unfinished
from shipways.ports import Clock

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_T = TypeVar("_T")


class S3Door:
    """One client for all files of a run, made when it is first used: that reads files, and may ask the network."""

    def __init__(self, table: FilesTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._made: S3Client | None = None
        self._making = anyio.Lock()

    async def ask(self, what: str, question: "Callable[[S3Client], _T]") -> _T:
        """The answer, asked for in a thread; `what` is the URL that it is about. Raises Transient, Moved, Unfinished.

        The error of botocore is not told as the cause: it holds more than people should see.
        """
        try:
            s3 = await self._client()
            return await to_thread.run_sync(question, s3)
        except (BotoCoreError, ClientError) as error:
            raise s3errors.mapped(what, error, self._clock) from None
        except KeyError:  # botocore does not see that an answer breaks off
            raise Transient(Problem(path=what, what="the answer of its server is not whole")) from None
        except OSError as error:
            path = str(error.filename or what)
            raise Unfinished(Problem(path=path, what="cannot be read", why=error.strerror or str(error))) from None

    async def _client(self) -> "S3Client":
        async with self._making:
            if self._made is None:
                self._made = await to_thread.run_sync(self._make)
            return self._made

    def _make(self) -> "S3Client":
        """Trying again is the reconciler's. Checksums are ours: servers other than Amazon's know few kinds of them.

        With a path in place of a host name every server can be asked, Amazon's excepted.
        """
        config = Config(
            user_agent_extra=f"shipways/{__version__}",
            connect_timeout=15,
            read_timeout=60,
            max_pool_connections=16,
            retries={"total_max_attempts": 1},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"} if self._table.endpoint else None,
        )
        made = botocore.session.get_session().create_client(
            "s3", region_name=self._table.region or None, endpoint_url=self._table.endpoint or None, config=config
        )
        web.safe(httpx.URL(made.meta.endpoint_url))
        return cast("S3Client", made)
