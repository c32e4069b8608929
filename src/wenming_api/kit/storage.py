"""Object storage: an S3 store seen through the MinIO SDK, off the event loop.

The SDK is synchronous, so every call runs in a small pool of its own threads, with a bounded waiting line and
a deadline. When the store is away, callers get `StoreUnavailable` (a 503 in Chinese) within seconds and
nothing else of the service waits for it. Presigning is local arithmetic and needs no thread.

Two addresses lead to the same store: the internal one, which this process uses, and the public one, which is
signed into the links that phones and browsers use.
"""

import asyncio
import io
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape

import urllib3
from minio import Minio
from minio.datatypes import Part, PostPolicy
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error, ServerError

from wenming_api.kit.problems import Unavailable

T = TypeVar("T")

MIN_PART_SIZE = 5 * 1024 * 1024
"""Bytes. S3 refuses a smaller part, the last one excepted."""

MAX_PARTS = 10_000

_MISSING = frozenset({"NoSuchKey", "NoSuchObject", "NotFound", "ResourceNotFound"})
_CHUNK = 256 * 1024
_TRUSTED_FOR = 5.0
_AVOIDED_FOR = 2.0


class StoreUnavailable(Unavailable):
    """The object store does not answer, or not in time. Nothing was changed; the same request may be sent again."""

    code = "object_store_unavailable"
    title = "文件存储暂不可用"

    def __init__(
        self, detail: str = "文件存储服务暂时无法访问，请稍后重试；其他功能不受影响。", *, retry_after: int = 5
    ) -> None:
        super().__init__(detail, retry_after=retry_after)


class ObjectMissing(Exception):
    """No object has this key."""


class ObjectTooLarge(Exception):
    """The object holds more bytes than the caller is ready to take."""


class MultipartInvalid(Exception):
    """The store refused to join the parts: one is missing, too small, changed, or the upload is unknown."""


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """What the store says about an object. `size` in bytes."""

    key: str
    size: int
    content_type: str
    etag: str
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A form to be sent as multipart/form-data: these fields first, then the bytes in a field `file`."""

    url: str
    fields: dict[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UploadedPart:
    """One part of a multipart upload, as the store holds it. `number` counts from 1, `size` in bytes."""

    number: int
    etag: str
    size: int


def content_disposition(filename: str, *, inline: bool) -> str:
    """A header value that carries any file name safely (RFC 6266, with an ASCII fallback)."""
    kind = "inline" if inline else "attachment"
    fallback = re.sub(r"[^A-Za-z0-9._-]+", "_", filename)[-80:].strip("_") or "file"
    return f"{kind}; filename=\"{fallback}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _address(url: str) -> tuple[str, bool]:
    """Split `http://host:port` into what the SDK wants."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/"):
        raise ValueError("an object store address is http(s)://host[:port] without a path")
    return parts.netloc, parts.scheme == "https"


class ObjectStore:
    """One bucket of an S3 store. Use from one event loop; `close()` when done.

    `endpoint` and `public_endpoint` are addresses such as `http://127.0.0.1:8333`. `deadline` is the number
    of seconds a call may take altogether; transfers of whole files get `transfer_deadline`.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        public_endpoint: str | None = None,
        region: str = "us-east-1",
        workers: int = 8,
        waiting: int = 64,
        connect_timeout: float = 2.0,
        read_timeout: float = 10.0,
        deadline: float = 12.0,
        transfer_deadline: float = 600.0,
    ) -> None:
        self.bucket = bucket
        self._region = region
        self._deadline = deadline
        self._transfer_deadline = transfer_deadline
        self._limit = workers + waiting
        self._pending = 0
        self._trusted_until = 0.0
        self._avoided_until = 0.0
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="objects")
        host, secure = _address(endpoint)
        self._http = urllib3.PoolManager(
            maxsize=workers,
            timeout=urllib3.Timeout(connect=connect_timeout, read=read_timeout),
            retries=urllib3.Retry(total=1, connect=0, backoff_factor=0.1, status_forcelist=[502, 503, 504]),
        )
        self._client = Minio(host, access_key, secret_key, secure=secure, region=region, http_client=self._http)
        public_host, public_secure = _address(public_endpoint or endpoint)
        self._public_url = f"{'https' if public_secure else 'http'}://{public_host}"
        # Signs only: this client never opens a connection, because the region is given.
        self._signer = Minio(
            public_host, access_key, secret_key, secure=public_secure, region=region, http_client=self._http
        )

    async def _call(self, work: Callable[[], T], *, deadline: float | None = None) -> T:
        """Run blocking work in the pool. Errors of the way to the store become `StoreUnavailable`."""
        if self._pending >= self._limit:
            raise StoreUnavailable()
        self._pending += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(self._settled)
        try:
            return await asyncio.wait_for(asyncio.shield(future), deadline or self._deadline)
        except TimeoutError as error:
            raise StoreUnavailable() from error
        except S3Error as error:
            if error.code in _MISSING:
                raise ObjectMissing() from error
            raise StoreUnavailable() from error
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise StoreUnavailable() from error

    def _settled(self, future: "asyncio.Future[Any]") -> None:
        self._pending -= 1
        if not future.cancelled():
            future.exception()  # an abandoned call has nobody left to hear of its error

    async def close(self) -> None:
        """Let go of the threads and connections. Work not yet begun is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._http.clear()

    async def ping(self) -> None:
        """Ask for the bucket. Raises `StoreUnavailable` when the store is away or the bucket is not there."""
        if not await self._call(lambda: self._client.bucket_exists(self.bucket)):
            raise StoreUnavailable()

    async def ensure(self) -> None:
        """Raise `StoreUnavailable` when the store is away, asking it at most every few seconds.

        Call it before a transaction begins, so that a store that hangs does not keep database connections waiting.
        """
        now = time.monotonic()
        if now < self._avoided_until:
            raise StoreUnavailable
        if now < self._trusted_until:
            return
        try:
            await self.ping()
        except StoreUnavailable:
            self._avoided_until = time.monotonic() + _AVOIDED_FOR
            raise
        self._trusted_until = time.monotonic() + _TRUSTED_FOR

    async def prepare(self, *, cors_origins: Sequence[str] = ()) -> None:
        """Make the bucket if it is not there, and say which web pages may send to it and read from it."""
        await self._call(lambda: self._prepare(tuple(cors_origins)))

    def _prepare(self, origins: tuple[str, ...]) -> None:
        try:
            if not self._client.bucket_exists(self.bucket):
                self._client.make_bucket(self.bucket, self._region)
        except S3Error as error:
            if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise
        if not origins:
            return
        allowed = "".join(f"<AllowedOrigin>{escape(origin)}</AllowedOrigin>" for origin in origins)
        methods = "".join(f"<AllowedMethod>{method}</AllowedMethod>" for method in ("GET", "HEAD", "POST", "PUT"))
        body = (
            f"<CORSConfiguration><CORSRule>{allowed}{methods}<AllowedHeader>*</AllowedHeader>"
            "<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>3600</MaxAgeSeconds></CORSRule></CORSConfiguration>"
        ).encode()
        digest = b64encode(md5(body, usedforsecurity=False).digest()).decode()
        # The SDK has no call for CORS; its signed request is used directly.
        self._client._execute("PUT", self.bucket, body=body, headers={"Content-MD5": digest}, query_params={"cors": ""})

    def post_form(
        self, key: str, *, content_type: str, min_size: int, max_size: int, expires: timedelta, now: datetime
    ) -> UploadForm:
        """A form that lets its holder store exactly this key, of this type, within these bytes, until it
        expires.
        """
        expires_at = now + expires
        policy = PostPolicy(self.bucket, expires_at.astimezone(UTC))
        policy.add_equals_condition("key", key)
        policy.add_equals_condition("Content-Type", content_type)
        policy.add_content_length_range_condition(min_size, max_size)
        signed = self._signer.presigned_post_policy(policy)
        fields = {"key": key, "Content-Type": content_type, **signed}
        return UploadForm(f"{self._public_url}/{self.bucket}", fields, expires_at)

    def download_url(
        self,
        key: str,
        *,
        filename: str,
        content_type: str,
        expires: timedelta,
        inline: bool = False,
        now: datetime | None = None,
    ) -> str:
        """A link that reads this one object until it expires, under the given name and type, signed at `now`."""
        return self._signer.get_presigned_url(
            "GET",
            self.bucket,
            key,
            expires=expires,
            response_headers={
                "response-content-disposition": content_disposition(filename, inline=inline),
                "response-content-type": content_type,
                "response-cache-control": f"private, max-age={int(expires.total_seconds())}",
            },
            request_date=now,
        )

    async def start_multipart(self, key: str, *, content_type: str) -> str:
        """Begin an upload in parts and return its id."""
        headers: dict[str, Any] = {"Content-Type": content_type}
        return await self._call(lambda: self._client._create_multipart_upload(self.bucket, key, headers))

    def part_url(self, key: str, *, upload_id: str, number: int, expires: timedelta) -> str:
        """A link to PUT one part. It bounds no size: look at `parts()` before completing."""
        if not 1 <= number <= MAX_PARTS:
            raise ValueError(f"part numbers run from 1 to {MAX_PARTS}")
        query: dict[str, Any] = {"partNumber": str(number), "uploadId": upload_id}
        return self._signer.get_presigned_url("PUT", self.bucket, key, expires=expires, extra_query_params=query)

    async def put_part(self, key: str, *, upload_id: str, number: int, data: bytes) -> UploadedPart:
        """Store one part from here, replacing that number. Raises `MultipartInvalid` for an unknown upload."""

        def work() -> str:
            try:
                return self._client._upload_part(self.bucket, key, data, None, upload_id, number)
            except S3Error as error:
                if error.code in _MISSING | {"NoSuchUpload"}:
                    raise MultipartInvalid("unknown upload") from error
                raise

        return UploadedPart(number, await self._call(work, deadline=self._transfer_deadline), len(data))

    async def parts(self, key: str, *, upload_id: str) -> list[UploadedPart]:
        """The parts the store holds, by number. Raises `MultipartInvalid` for an unknown upload."""
        return await self._call(lambda: self._parts(key, upload_id))

    def _parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        found: list[UploadedPart] = []
        marker: str | None = None
        while True:
            try:
                answer = self._client._list_parts(self.bucket, key, upload_id, part_number_marker=marker)
            except S3Error as error:
                if error.code in _MISSING | {"NoSuchUpload"}:
                    raise MultipartInvalid("unknown upload") from error
                raise
            found += [UploadedPart(part.part_number, part.etag, part.size or 0) for part in answer.parts]
            if not answer.is_truncated or not answer.parts:
                return sorted(found, key=lambda part: part.number)
            marker = str(found[-1].number)

    async def complete_multipart(self, key: str, *, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        """Join the parts. Raises `MultipartInvalid` when the store will not."""
        await self._call(lambda: self._complete(key, upload_id, parts), deadline=self._deadline * 5)

    def _complete(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        joined = [Part(part.number, part.etag) for part in parts]
        try:
            self._client._complete_multipart_upload(self.bucket, key, upload_id, joined)
        except S3Error as error:
            refusals = {"NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML"}
            if error.code in refusals | _MISSING:
                raise MultipartInvalid(error.code) from error
            raise

    async def abort_multipart(self, key: str, *, upload_id: str) -> None:
        """Give up an upload in parts; no harm if it is gone already."""

        def work() -> None:
            try:
                self._client._abort_multipart_upload(self.bucket, key, upload_id)
            except S3Error as error:
                if error.code not in _MISSING | {"NoSuchUpload"}:
                    raise

        await self._call(work)

    async def stat(self, key: str) -> ObjectStat:
        """Size, type and ETag. Raises `ObjectMissing`."""

        def work() -> ObjectStat:
            found = self._client.stat_object(self.bucket, key)
            return ObjectStat(key, found.size or 0, found.content_type or "", found.etag or "", found.last_modified)

        return await self._call(work)

    async def get(self, key: str, *, limit: int) -> bytes:
        """The whole object. Raises `ObjectMissing`, or `ObjectTooLarge` past `limit` bytes."""

        def work() -> bytes:
            buffer = io.BytesIO()
            self._copy_out(key, buffer.write, limit)
            return buffer.getvalue()

        return await self._call(work, deadline=self._transfer_deadline)

    async def get_to_file(self, key: str, path: Path, *, limit: int) -> int:
        """Write the object to a local file and return its size. Raises as `get` does."""

        def work() -> int:
            with path.open("wb") as target:
                return self._copy_out(key, target.write, limit)

        return await self._call(work, deadline=self._transfer_deadline)

    async def get_range(self, key: str, *, offset: int, length: int) -> bytes:
        """So many bytes of the object from `offset` on, fewer at its end. Raises `ObjectMissing`."""

        def work() -> bytes:
            response = self._client.get_object(self.bucket, key, offset=offset, length=length)
            try:
                return bytes(response.read())
            finally:
                response.close()
                response.release_conn()

        return await self._call(work, deadline=self._transfer_deadline)

    def _copy_out(self, key: str, write: Callable[[bytes], Any], limit: int) -> int:
        response = self._client.get_object(self.bucket, key)
        total = 0
        try:
            for chunk in response.stream(_CHUNK):
                total += len(chunk)
                if total > limit:
                    raise ObjectTooLarge(f"more than {limit} bytes")
                write(chunk)
        finally:
            response.close()
            response.release_conn()
        expected = int(response.headers.get("Content-Length") or total)
        if total != expected:
            raise ServerError("the object ended early", 502)
        return total

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Store bytes under this key, replacing what is there."""
        await self._call(
            lambda: self._client.put_object(self.bucket, key, io.BytesIO(data), len(data), content_type=content_type),
            deadline=self._transfer_deadline,
        )

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None:
        """Store a local file under this key, replacing what is there."""

        def work() -> None:
            with path.open("rb") as source:
                self._client.put_object(
                    self.bucket,
                    key,
                    source,
                    path.stat().st_size,
                    content_type=content_type,
                    part_size=MIN_PART_SIZE * 2,
                    num_parallel_uploads=1,
                )

        await self._call(work, deadline=self._transfer_deadline)

    async def remove(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are gone already do not matter."""
        wanted = [DeleteObject(key) for key in keys]
        if not wanted:
            return

        def work() -> None:
            for failure in self._client.remove_objects(self.bucket, iter(wanted)):
                if failure.code not in _MISSING:
                    raise ServerError(f"removal refused: {failure.code}", 500)

        await self._call(work, deadline=self._deadline * 5)

    async def list_older(self, prefix: str, *, before: datetime, at_most: int = 1000) -> list[str]:
        """Keys under `prefix` last written before that moment, at most so many."""

        def work() -> list[str]:
            found: list[str] = []
            for item in self._client.list_objects(self.bucket, prefix=prefix, recursive=True):
                if item.object_name and item.last_modified and item.last_modified < before:
                    found.append(item.object_name)
                    if len(found) >= at_most:
                        break
            return found

        return await self._call(work, deadline=self._deadline * 5)
