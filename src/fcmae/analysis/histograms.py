"""Draws the values of the channels of a data set."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from jaxtyping import Float64
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fcmae.analysis.pictures import COLOURS, STYLE, save

BINS = 100
COLUMNS = 4
OUTER = (0.1, 99.9)
"""Percentiles of the values that are drawn, so that a hot pixel does not squeeze the others."""


def histograms(channels: Float64[np.ndarray, "c n"], label: str, path: Path) -> Path:
    """Draws a histogram of each channel's values, each on its own scale.

    Args:
        channels: Values of each channel; NaN is left out.
        label: Of the horizontal axes.
        path: A PNG file.
    """
    columns = min(COLUMNS, len(channels))
    rows = -(-len(channels) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(2.6 * columns + 0.6, 1.7 * rows + 0.4), layout="constrained")
        for index, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
            if index >= len(channels):
                axes.set_axis_off()
                continue
            values = channels[index][~np.isnan(channels[index])]
            low, high = np.percentile(values, OUTER) if values.size else (0.0, 1.0)
            high = high if high > low else low + 1
            axes.hist(values.clip(low, high), bins=BINS, range=(low, high), color=COLOURS[0])
            axes.set_title(f"channel {index + 1}")
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.xaxis.set_major_locator(MaxNLocator(4))
        figure.supxlabel(label, fontsize=9)
        return save(figure, path)
