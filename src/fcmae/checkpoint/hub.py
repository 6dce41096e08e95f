"""Files of the Hugging Face hub, through its own client and in its own cache."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from fcmae.checkpoint.download import INSTEAD, MAX_BYTES
from fcmae.checkpoint.sidecar import NAMES as BESIDE
from fcmae.errors import CheckpointError


def from_hub(
    repo: str, names: Sequence[str], *, revision: str | None, cache: Path | None, offline: bool
) -> Path:
    """The first of some files that a repository has.

    Args:
        repo: ``owner/name``.
        names: Names of files, the preferred one first.
        revision: Commit, branch or tag; the newest by default.
        cache: Folder to keep it in; the hub's own by default.
        offline: Take only what is there.

    Raises:
        CheckpointError: It has none of them, or cannot be reached.
    """
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    for name in names:
        try:
            path = _file(repo, name, revision, cache, offline)
            for other in BESIDE:
                # What says how to show images to the model; not every repository has it.
                with suppress(EntryNotFoundError):
                    _file(repo, other, revision, cache, offline)
            return path
        except LocalEntryNotFoundError as error:
            if name != names[-1] and offline:
                continue
            raise CheckpointError(_unreachable(repo, offline)) from error
        except EntryNotFoundError:
            continue
    raise CheckpointError(f"hf:{repo} has no weights in one file: neither {' nor '.join(names)}.")


def forget(path: Path) -> None:
    """Remove a file from the hub's cache: the link there, and what it points to."""
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def commit_of(path: Path) -> str:
    """The commit that a file of the hub's cache is of."""
    snapshots = [parent for parent in path.parents if parent.parent.name == "snapshots"]
    return snapshots[0].name if snapshots else ""


def _file(repo: str, name: str, revision: str | None, cache: Path | None, offline: bool) -> Path:
    """One file of a repository, no larger than weights can be."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        EntryNotFoundError,
        HfHubHTTPError,
        HFValidationError,
        HTTPError,
        OfflineModeIsEnabled,
    )

    where: dict[str, Any] = {"revision": revision, "cache_dir": cache}
    try:
        if not offline:
            size = hf_hub_download(repo, name, dry_run=True, **where).file_size
            if size is not None and size > MAX_BYTES:
                raise CheckpointError(
                    f"hf:{repo} was not fetched: {name} has {size:,} bytes, over {MAX_BYTES:,}."
                )
        return Path(hf_hub_download(repo, name, local_files_only=offline, **where))
    except EntryNotFoundError:
        raise
    except HFValidationError as error:
        raise CheckpointError(f"{repo!r} is not a name on the hub: give owner/name.") from error
    except HfHubHTTPError as error:
        raise CheckpointError(
            f"hf:{repo} was not fetched: {_line(error)}. A gated repository needs `hf auth login`."
        ) from error
    except (HTTPError, OfflineModeIsEnabled, OSError) as error:
        raise CheckpointError(_unreachable(repo, offline)) from error


def _unreachable(repo: str, offline: bool) -> str:
    if offline:
        return f"hf:{repo} is not in the cache, and fetching is switched off (source.offline)."
    return f"hf:{repo} cannot be fetched: the hub does not answer. {INSTEAD}"


def _line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason")[
        :200
    ].rstrip(".")
