"""One file over HTTPS: whole, of the right hash, or not at all."""

import hashlib
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from fcmae.errors import CheckpointError
from fcmae.files import durable

MAX_BYTES = 8 * 2**30
TIMEOUT_S = 30.0
HERE = ("127.0.0.1", "localhost", "::1")
INSTEAD = "Download it elsewhere and give the file, or check the network."


def download(
    url: str,
    path: Path,
    *,
    sha256: str | None = None,
    check: Callable[[Path], object],
    max_bytes: int = MAX_BYTES,
) -> str:
    """Fetch a file, and give it its name only when everything about it is right.

    Args:
        url: An https address (http only on this machine). Redirections are not followed.
        path: The file to write.
        sha256: What its SHA-256 must be; not looked at if None.
        check: Called with the file before it gets its name; raises if it cannot be used.
        max_bytes: Refuse more.

    Returns:
        Its SHA-256.

    Raises:
        CheckpointError: It was not fetched; nothing was left behind.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE):
        raise CheckpointError(f"{url} is not fetched: only https addresses are.")
    staged = path.with_name(f".staging-{os.getpid()}-{path.name}")
    with durable.storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        found = _fetch(url, staged, max_bytes)
        if sha256 is not None and found != sha256.lower():
            raise CheckpointError(
                f"{url} was not taken: its SHA-256 is {found} instead of {sha256.lower()}."
            )
        check(staged)
        with durable.storage_errors(path):
            durable.sync_file(staged)
            durable.replace(staged, path)
    finally:
        staged.unlink(missing_ok=True)
    return found


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _fetch(url: str, staged: Path, max_bytes: int) -> str:
    """Write what an address answers into a file, and give back its SHA-256."""
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(url, timeout=TIMEOUT_S) as response:
            length = _length(url, response, max_bytes)
            durable.check_space(staged.parent, length)
            with durable.storage_errors(staged):
                file = staged.open("wb")
            with file:
                digest, count = _copy(response, file, length)
    except urllib.error.HTTPError as error:
        where = error.headers.get("Location") if 300 <= error.code < 400 else None
        error.close()
        why = f"it redirects to {where[:200]!r}" if where else f"{error.code} {error.reason}"
        raise CheckpointError(f"{url} was not fetched: {why}. {INSTEAD}") from error
    except (OSError, http.client.HTTPException, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise CheckpointError(f"{url} cannot be fetched: {reason}. {INSTEAD}") from error
    if count != length:
        raise CheckpointError(
            f"{url} was not taken: {count:,} bytes came instead of {length:,}. Try again."
        )
    return digest


def _length(url: str, response: http.client.HTTPResponse, max_bytes: int) -> int:
    """Size of the download in bytes, checked against the limit."""
    kind = response.headers.get_content_type()
    length = response.headers.get("Content-Length", "")
    if kind == "text/html":
        raise CheckpointError(f"{url} was not taken: it is a web page, not weights. {INSTEAD}")
    if not length.isdecimal():
        raise CheckpointError(f"{url} was not taken: the server does not say how long it is.")
    if int(length) > max_bytes:
        raise CheckpointError(
            f"{url} was not taken: it has {int(length):,} bytes, more than {max_bytes:,}."
        )
    return int(length)


def _copy(response: http.client.HTTPResponse, file: IO[bytes], length: int) -> tuple[str, int]:
    """Copy at most one byte more than was promised; the SHA-256 and the number of bytes."""
    sha, count = hashlib.sha256(), 0
    while count <= length and (chunk := response.read(min(durable.CHUNK, length + 1 - count))):
        sha.update(chunk)
        with durable.storage_errors(Path(file.name)):
            file.write(chunk)
        count += len(chunk)
    return sha.hexdigest(), count
