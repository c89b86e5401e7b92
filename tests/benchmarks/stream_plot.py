"""Draws the README's picture of `make bench-streams` from its JSON: SVG and PNG beside each other."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

NAMES = {
    "greenlane": "Greenlane",
    "faust": "Faust agent",
    "quix": "quixstreams",
    "confluent": "confluent-kafka loop",
    "aiokafka": "aiokafka loop",
}
OURS, THEIRS = "#1b7f4b", "#9aa5a0"


def draw(figures: dict[str, Any], target: Path) -> None:
    """Two rows of bars: CPU seconds per million events, and events per second of the clock."""
    plt.rcParams.update({"font.size": 9, "svg.hashsalt": "greenlane"})
    figure, axes = plt.subplots(2, 2, figsize=(9, 4.6), constrained_layout=True)
    measures = (
        ("cpu_seconds_per_million", "CPU seconds per million events"),
        ("events_per_second", "events per second"),
    )
    for row, stage in zip(axes, ("scorer", "aggregator"), strict=True):
        for axis, (measure, label) in zip(row, measures, strict=True):
            kinds = [kind for kind in NAMES if f"{stage}_{kind}_{measure}" in figures]
            values = [figures[f"{stage}_{kind}_{measure}"] for kind in kinds]
            colours = [OURS if kind == "greenlane" else THEIRS for kind in kinds]
            bars = axis.barh([NAMES[kind] for kind in kinds], values, color=colours)
            axis.bar_label(bars, [f"{value:,.0f}" for value in values], padding=3)
            axis.invert_yaxis()
            axis.margins(x=0.18)
            axis.set_title(f"{stage}: {label}", loc="left", fontsize=9)
            axis.spines[["top", "right"]].set_visible(False)
            axis.xaxis.set_visible(False)
    figure.suptitle(
        f"{figures['events']:,} events (Faust: {figures['events_of_the_slowest']:,}), one worker each, the broker on "
        f"the same {figures['cores']} cores; load {figures['load']}",
        fontsize=9,
    )
    for suffix, metadata in (("svg", {"Date": None}), ("png", {})):
        figure.savefig(target.with_suffix(f".{suffix}"), dpi=130, metadata=metadata)
    plt.close(figure)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
