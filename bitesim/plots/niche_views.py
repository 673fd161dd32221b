"""Views of a marrow niche: slices coloured by what each site holds, cells in three dimensions, an animation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from bitesim.engines.agents.lattice import SITE_UM
from bitesim.foundation.checks import number, whole_number
from bitesim.foundation.errors import ParameterError
from bitesim.niche.pictures import SITE_KINDS, Snapshot
from bitesim.niche.result import NicheRun

#: Kind of site -> colour: blasts red, CD19-low ones violet, T cells blue to grey as they tire, contacts black.
COLOURS: Final = {
    "empty": "#ffffff",
    "CD19+ blast": "#d9776b",
    "CD19-low blast": "#7b2d8b",
    "calm T cell": "#9ecae1",
    "activated T cell": "#1f5a99",
    "exhausted T cell": "#8a8f98",
    "T cell in contact": "#0b1f3a",
    "CD19+ blast in contact": "#7f0f12",
    "CD19-low blast in contact": "#3f0052",
    "marrow cell": "#f3e9d2",
    "fat": "#f7d774",
}
#: What is worth seeing in three dimensions.
_SHOWN: Final = tuple(name for name in SITE_KINDS if name not in ("empty", "marrow cell", "fat"))


def _palette() -> Any:
    from matplotlib.colors import ListedColormap

    return ListedColormap([COLOURS[name] for name in SITE_KINDS])


def plot_niche_slice(snapshot: Snapshot, height_um: float | None = None, ax: Any = None, with_legend: bool = True) -> Any:
    """Draw one plane of a snapshot, a square a site; return the Axes.

    Parameters
    ----------
    snapshot : Snapshot
        One of `NicheRun.snapshots`.
    height_um : float, optional
        Height of the plane [um]; the middle by default.
    ax : matplotlib Axes, optional
    with_legend : bool

    Raises
    ------
    ParameterError
        For a height outside the box.
    """
    planes, _, across = snapshot.sites.shape
    top = SITE_UM * planes
    height = 0.5 * top if height_um is None else number("height_um", height_um, "um", (0.0, top))
    panel = _panel(ax)
    plane = snapshot.sites[min(planes - 1, int(height / SITE_UM))]
    side = SITE_UM * across
    panel.imshow(
        plane, cmap=_palette(), vmin=-0.5, vmax=len(SITE_KINDS) - 0.5, interpolation="nearest", origin="lower",
        extent=(0.0, side, 0.0, SITE_UM * plane.shape[0]),
    )  # fmt: skip
    panel.set_xlabel("x [µm]")
    panel.set_ylabel("y [µm]")
    panel.set_title(f"day {snapshot.day:g}, {height:.0f} µm high", fontsize=9)
    if with_legend:
        _legend(panel, [name for place, name in enumerate(SITE_KINDS) if place and np.any(plane == place)])
    return panel


def _panel(ax: Any) -> Any:
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(6.8, 4.8), layout="constrained")[1]


def _legend(panel: Any, names: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=COLOURS[name], edgecolor="#777777", linewidth=0.4, label=name) for name in names]
    panel.legend(handles=patches, loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=8)


def plot_niche_3d(snapshot: Snapshot, most: int = 4000, ax: Any = None) -> Any:
    """Draw the blasts and T cells of a snapshot in three dimensions; return the Axes.

    Parameters
    ----------
    snapshot : Snapshot
    most : int
        Cells of a kind that are drawn, evenly chosen among them.
    ax : matplotlib 3-D Axes, optional
    """
    most = whole_number("most", most, (1, 10**6))
    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.figure(figsize=(7.2, 5.4), layout="constrained").add_subplot(projection="3d")
    drawn = []
    for name in _SHOWN:
        where = np.argwhere(snapshot.sites == SITE_KINDS.index(name))
        if not len(where):
            continue
        places = np.unique(np.linspace(0, len(where) - 1, most).round().astype(int))
        z, y, x = (where[places] * SITE_UM).T
        size = 10.0 if "contact" in name or "low" in name else 4.0
        ax.scatter(x, y, z, s=size, color=COLOURS[name], linewidths=0.0, alpha=0.9 if size > 4.0 else 0.5)
        drawn.append(name if len(where) <= most else f"{name} ({most:,} of {len(where):,})")
    ax.set_xlabel("x [µm]")
    ax.set_ylabel("y [µm]")
    ax.set_zlabel("z [µm]")
    planes, along, across = snapshot.sites.shape
    ax.set_box_aspect((across, along, planes))
    ax.set_title(f"day {snapshot.day:g}", fontsize=9)
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], marker="o", linestyle="none", color=COLOURS[name.split(" (")[0]], markersize=4, label=name)
        for name in drawn
    ]
    ax.legend(handles=marks, loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=3, frameon=False, fontsize=7)
    return ax


def animate_niche(
    run: NicheRun, path: str | Path, frames_per_second: float = 5.0, height_um: float | None = None, dpi: int = 90
) -> Path:
    """Write the snapshots of a run as an animated GIF, one plane; return its path.

    Parameters
    ----------
    run : NicheRun
        With at least two snapshots.
    path : path
        Ends in .gif.
    frames_per_second : float
    height_um : float, optional
    dpi : int

    Raises
    ------
    ParameterError
        For a run with fewer than two snapshots, or a path that is no GIF's.
    """
    target = Path(path)
    if target.suffix.lower() != ".gif":
        raise ParameterError(f"path = {target.name!r} must end in .gif: that is what Pillow writes")
    if len(run.snapshots) < 2:
        raise ParameterError(
            f"the run has {len(run.snapshots)} snapshots: an animation needs two, ask for them by "
            "NicheOptions(snapshot_days=(0, 1, 2, ...))"
        )
    rate = number("frames_per_second", frames_per_second, "1/s", (0.1, 60.0))
    from matplotlib import pyplot
    from matplotlib.animation import FuncAnimation, PillowWriter

    figure, panel = pyplot.subplots(figsize=(6.8, 4.6), layout="constrained")
    try:
        seen = np.unique(np.concatenate([np.unique(each.sites) for each in run.snapshots]))

        def frame(place: int) -> Any:
            panel.clear()
            plot_niche_slice(run.snapshots[place], height_um, panel, with_legend=False)
            # Every kind that ever appears, so that the frame does not jump.
            _legend(panel, [SITE_KINDS[kind] for kind in seen if kind])
            return (panel,)

        film = FuncAnimation(figure, frame, frames=len(run.snapshots))
        film.save(target, writer=PillowWriter(fps=max(1, round(rate))), dpi=dpi)
    finally:
        pyplot.close(figure)
    return target
