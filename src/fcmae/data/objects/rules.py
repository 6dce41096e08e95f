"""What becomes of labels of objects that may be taken in several ways."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LabelRules:
    """What becomes of labels of objects that may be taken in several ways.

    Attributes:
        clip: Boxes and outlines that leave their image end at its border; otherwise they are wrong.
        crowds: Crowd regions are objects as all others.
    """

    clip: bool = False
    crowds: bool = False


AS_WRITTEN = LabelRules()
"""Labels are taken as they are written."""
