"""Weights of nets that only their owner's code can build, and the encoder that others take of them.

A file may name classes of a user. Nothing that it names is ever imported.
"""

from dataclasses import replace

from fcmae.checkpoint.header import Header
from fcmae.errors import CheckpointError
from fcmae.model.kinds import own_code


def encoder_alone(header: Header) -> Header:
    """The header of a file that needs own code, as that of a file with nothing but the encoder.

    Other headers come back as they are.

    Raises:
        CheckpointError: The net has no encoder of fcmae.
    """
    description = header.card.model
    if (what := own_code(description)) is None:
        return header
    if "architecture" not in description:
        raise CheckpointError(
            f"{header.path} holds {what}, which has no encoder of fcmae that could be taken of it. "
            f"To load it whole, {ways_out(header)}."
        )
    path = description.get("encoder", "encoder")
    prefix = f"{path}." if path else ""
    inside = {n: s for n, s in header.shapes.items() if n.startswith(prefix)}
    return replace(
        header,
        card=replace(
            header.card,
            model={"kind": "encoder", "architecture": description["architecture"]},
            encoder_of=what,
        ),
        shapes={name.removeprefix(prefix): shape for name, shape in inside.items()},
        prefix=prefix,
    )


def ways_out(header: Header) -> str:
    """Advice for loading the whole network."""
    give = f'give the model to fill, fcmae.load("{header.path}", model=...)'
    if "net" in header.card.model:
        made = "fcmae.NetAutoencoder(fcmae.NetEncoder(YOUR_NET))"
        return give.replace("model=...", f"model={made}")
    if "class" not in header.card.model:
        return f"{give}, made of the same parts"
    return f"call fcmae.register for its class before, or {give}"
