"""From what ``--weights`` says to a file: a path, or the name of published weights."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fcmae.checkpoint.download import INSTEAD, download
from fcmae.checkpoint.header import Header, read_header, weights_file
from fcmae.checkpoint.hub import commit_of, forget, from_hub
from fcmae.checkpoint.options import Source
from fcmae.checkpoint.own_code import encoder_alone
from fcmae.checkpoint.published import HUB_FILES, Published
from fcmae.checkpoint.published_names import named
from fcmae.errors import CheckpointError
from fcmae.files import durable


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A file of weights that was found or fetched.

    Attributes:
        name: What was asked for.
        header: What the file says, with what is known about published weights.
        lineage: Where the weights come from, oldest first: source, format, sha256, licence.
    """

    name: str
    header: Header
    lineage: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def licences(self) -> list[str]:
        """Terms that what is made of these weights is under, where they are known."""
        found = [entry.get("licence") for entry in self.lineage]
        return list(dict.fromkeys(licence for licence in found if licence))


def resolve(source: str | Path, options: Source | None = None, *, whole: bool = False) -> Resolved:
    """Find or fetch weights, and read what they say.

    Args:
        source: A run's folder, a file, or a name: ``timm:NAME``, ``hf:OWNER/NAME[@REVISION]``,
            ``official:NAME`` or an https address. ``#PREFIX`` at the end names one of several nets.
        options: How to fetch.
        whole: True to get a net that only its owner's code can build as it is; else its encoder
            stands for it.

    Raises:
        CheckpointError: There is nothing of this name, it cannot be fetched, or is not as it was.
    """
    options, text = options or Source(), str(source)
    here = Path(text).exists()
    base, _, part = (text, "", "") if here else text.partition("#")
    published = None if here else named(base)
    if published is None:
        found = _local(Path(base), part, options)
        return found if whole else replace(found, header=encoder_alone(found.header))
    header, sha256 = (_from_hub if published.repo else _from_address)(published, part, options)
    card = header.card.completed(published.facts)
    entry = {
        "source": published.name,
        "format": _format(header),
        "sha256": sha256,
        "licence": card.licence,
    }
    return Resolved(
        name=text,
        header=replace(header, card=card),
        lineage=[entry],
    )


def _local(path: Path, part: str, options: Source) -> Resolved:
    path = weights_file(path)
    header = read_header(path, part=part)
    sha256 = durable.digest(path) if options.sha256 or header.is_foreign else None
    if options.sha256 is not None and sha256 != options.sha256.lower():
        raise CheckpointError(f"{path} was not taken: its SHA-256 is {sha256}.")
    entry = {
        "source": "/".join(path.parts[-2:]),
        "format": _format(header),
        "sha256": sha256,
        "licence": header.card.licence,
    }
    return Resolved(name=str(path), header=header, lineage=[*header.card.lineage, entry])


def _from_address(published: Published, part: str, options: Source) -> tuple[Header, str]:
    path = options.folder / "files" / _slug(published.url)
    known = _known(published, options)
    wanted = options.sha256 or known.get("sha256")
    if not path.is_file() or not known:
        if options.is_offline:
            raise CheckpointError(
                f"{published.name} is not in the cache, and fetching is switched off "
                f"(source.offline). {INSTEAD}"
            )
        sha256 = download(
            published.url, path, sha256=wanted, check=lambda staged: read_header(staged, part=part)
        )
    else:
        sha256 = _checked(path, published, wanted)
    _record(published, options, sha256)
    return read_header(path, part=part), sha256


def _from_hub(published: Published, part: str, options: Source) -> tuple[Header, str]:
    known = _known(published, options)
    revision = published.revision or known.get("revision")
    folder = None if options.cache is None else options.cache / "hub"
    path = from_hub(
        published.repo, HUB_FILES, revision=revision, cache=folder, offline=options.is_offline
    )
    try:
        sha256 = _checked(path, published, options.sha256 or known.get("sha256"))
        header = read_header(path, part=part, net=published.net)
    except CheckpointError:
        if not known:
            forget(path)
        raise
    _record(published, options, sha256, revision=commit_of(path))
    return header, sha256


def _checked(path: Path, published: Published, wanted: str | None) -> str:
    sha256 = durable.digest(path)
    if wanted is not None and sha256 != wanted.lower():
        raise CheckpointError(
            f"{published.name} is not what it was: its SHA-256 is {sha256} instead of "
            f"{wanted.lower()}. Remove {path} to fetch it anew."
        )
    return sha256


def _known(published: Published, options: Source) -> dict[str, str]:
    """Facts recorded when these weights were first fetched."""
    try:
        found = json.loads(_record_file(published, options).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{_record_file(published, options)} cannot be read: remove it to fetch "
            f"{published.name} anew."
        ) from error
    return dict(found)


def _record(published: Published, options: Source, sha256: str, **more: str) -> None:
    path = _record_file(published, options)
    if not path.exists():
        with durable.storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        facts = {"source": published.name, "sha256": sha256, **more}
        durable.write_text(path, json.dumps(facts, indent=1) + "\n")


def _record_file(published: Published, options: Source) -> Path:
    return options.folder / "hashes" / f"{_slug(published.name)}.json"


def _format(header: Header) -> str:
    if header.net is not None:
        return "timm"
    return header.recognised.format.name if header.recognised else "fcmae"


def _slug(text: str) -> str:
    """A name that is legal everywhere and different for different texts."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", text)[-80:]
    return f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
