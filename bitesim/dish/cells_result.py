"""What a population of single cells leaves: counts minute by minute, CD19 of survivors, shares at the end beside others'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.dish.swept import SWEPT, rows_with
from bitesim.dish.table import DishTable
from bitesim.engines.synapse_population.cells import COUNTED, EFFECTORS, KINDS, TARGETS
from bitesim.foundation.errors import ParameterError

#: Clusters of each kind, and how many cells of either kind they hold.
_CLUSTERS: Final = slice(1, len(KINDS))
_IN_CLUSTERS: Final = np.array(EFFECTORS)[_CLUSTERS], np.array(TARGETS)[_CLUSTERS]
_THREE: Final = [KINDS.index("ETE"), KINDS.index("TET")]
_TIME_UNITS: Final = {
    "drug_ng_per_ml": "ng/mL",
    "replicate": "",
    "minutes": "min",
    "engaged_effectors": "-",
    "engaged_targets": "-",
    "free_targets": "-",
    "dead_targets": "-",
    **{f"effectors_{kind}": "-" for kind in ("single", *KINDS[1:])},
    "cd19_of_free": "1/cell",
}


@dataclass(frozen=True, eq=False)
class DishOfCells:
    """One dish of single cells from minute to minute.

    Attributes
    ----------
    counts : array (times, 11)
        After minutes 0, 1, 2, ...: hosts of each kind (single T cells, clusters), free and dead targets, and touches so far
        with those that held; by `bitesim.engines.synapse_population.cells.COUNTED`.
    cd19_of_free : array (times,)
        Mean CD19 of the free targets [copies/cell], NaN without any.
    cd19_edges : array (bins + 1,)
        Edges of the distributions of CD19 [copies/cell], evenly spaced in ln copies.
    cd19_before, cd19_after : array (bins,)
        Targets in each bin: all, and those that are free at the end.
    median_before, median_after : float
        Median CD19 of these [copies/cell], NaN without any.
    """

    counts: NDArray[np.int64]
    cd19_of_free: NDArray[np.float64]
    cd19_edges: NDArray[np.float64]
    cd19_before: NDArray[np.int64]
    cd19_after: NDArray[np.int64]
    median_before: float
    median_after: float

    @property
    def minutes(self) -> NDArray[np.int64]:
        """0, 1, 2, ..."""
        return np.arange(len(self.counts))

    def count(self, name: str) -> NDArray[np.int64]:
        """Return what is counted under a name of `COUNTED`, after each minute."""
        return np.asarray(self.counts[:, COUNTED.index(name)])

    @property
    def effector_cells(self) -> int:
        """All T cells of the dish."""
        return int(self.counts[0, 0])

    @property
    def target_cells(self) -> int:
        """All targets of the dish, alive at the start."""
        return int(self.count("free_targets")[0])

    def effectors(self) -> dict[str, NDArray[np.float64]]:
        """Return the share of T cells that is 'single' and in each kind of cluster [-]; the shares add up to 1."""
        shares = self.counts[:, : len(KINDS)] * np.array(EFFECTORS) / self.effector_cells
        return dict(zip(("single", *KINDS[1:]), shares.T, strict=True))

    def targets(self) -> dict[str, NDArray[np.float64]]:
        """Return the share of targets that is 'free', in a cluster ('engaged') and 'dead' [-]; they add up to 1."""
        engaged = self.counts[:, _CLUSTERS] @ _IN_CLUSTERS[1]
        each = {"free": self.count("free_targets"), "engaged": engaged, "dead": self.count("dead_targets")}
        return {name: np.asarray(count / self.target_cells) for name, count in each.items()}

    def engaged(self) -> NDArray[np.float64]:
        """Return the share of T cells in any cluster [-]."""
        return 1.0 - self.counts[:, 0] / self.effector_cells

    def larger_of_clusters(self) -> float:
        """Return the share of clusters at the end that have more than two cells [-], NaN without clusters."""
        clusters = self.counts[-1, _CLUSTERS]
        return float(1.0 - clusters[0] / clusters.sum()) if clusters.any() else np.nan

    def three_of_larger(self) -> float:
        """Return, of all clusters of more than two at the end, the share of ETE and TET [-], NaN without such clusters."""
        larger = self.counts[-1, 2 : len(KINDS)].sum()
        return float(self.counts[-1, _THREE].sum() / larger) if larger else np.nan

    def adhesion(self) -> float:
        """Return the share of all touches that held [-], NaN without touches."""
        touches = self.count("touches")[-1]
        return float(self.count("held")[-1] / touches) if touches else np.nan


@dataclass(frozen=True, eq=False, repr=False)
class SynapsePopulation(DishTable):
    """T cells (E) and targets (T) as single cells, at the end: one row a dish and replicate, shares printed as percent.

    Columns: what was swept (`cd19_copies`, `effectors_per_ml`, `targets_per_ml`, `effectors_per_target`,
    `drug_ng_per_ml`), `replicate`, `effector_cells` and `target_cells` that were simulated, `minutes`;
    `engaged_effectors`, of T cells those in any cluster; `effectors_single`, `effectors_ET`, ..., which add up to 1;
    `free_targets`, `engaged_targets` and `dead_targets`, which add up to 1; `larger_of_clusters`, the share of more than
    two cells; `three_of_larger`, of these the share of three; `adhesion`, the share of touches that held; `cd19_of_free`,
    the mean CD19 of targets that are left, `cd19_kept`, over that of all at the start, and `median_kept`, of medians;
    `mean_field`, engaged T cells by expected numbers (`synapse_experiment`), for the hour alone; `published_engaged` and
    `times_published`.

    Parameters
    ----------
    dishes : tuple of DishOfCells
        Minute by minute, one a row.
    seed : int
        The result is the same for the same seed, whatever else was run beside it and on how many threads.
    """

    dishes: tuple[DishOfCells, ...]
    seed: int

    def select(self, **values: Any) -> SynapsePopulation:
        """Return the rows with some values of what was swept, e.g. ``select(drug_ng_per_ml=[20, 100], replicate=0)``.

        Raises
        ------
        UnknownNameError
            For a name that is not swept.
        ParameterError
            For a value that was not: the message lists those that were.
        """
        kept = rows_with(self.columns, values, (*SWEPT, "replicate"))
        columns = {name: each[kept] for name, each in self.columns.items()}
        dishes = tuple(dish for dish, keep in zip(self.dishes, kept, strict=True) if keep)
        return SynapsePopulation(self.title, columns, self.units, self.shown, self.notes, self.parameters, dishes, self.seed)

    def over_replicates(self) -> DishTable:
        """Return one row a dish: mean of its replicates and, as `..._se`, the standard error of that mean.

        Raises
        ------
        ParameterError
            With one replicate only.
        """
        groups: dict[tuple[float, ...], list[int]] = {}
        for row in range(len(self)):
            groups.setdefault(tuple(float(self[name][row]) for name in SWEPT), []).append(row)
        if min(map(len, groups.values())) < 2:
            raise ParameterError("one replicate has no standard error: run with replicates=3 or more")
        fixed = [*SWEPT, "minutes", "mean_field", "published_engaged"]
        drawn = [name for name in self.columns if name not in (*fixed, "replicate", "times_published")]
        columns: dict[str, list[float]] = {name: [] for name in (*SWEPT, "minutes", "replicates")}
        for rows in groups.values():
            found = {name: float(self[name][rows[0]]) for name in fixed} | {"replicates": float(len(rows))}
            for name in drawn:
                found[name] = float(np.mean(self[name][rows]))
                found[f"{name}_se"] = float(np.std(self[name][rows], ddof=1) / np.sqrt(len(rows)))
            for name, value in found.items():
                columns.setdefault(name, []).append(value)
        units = {name: self.units.get(name.removesuffix("_se"), "dishes") for name in columns}
        given = [name for name in self.shown if name not in ("replicate", "times_published")]
        shown = [name for each in given for name in (each, f"{each}_se") if name in columns]
        arrays = {name: np.array(values) for name, values in columns.items()}
        return DishTable(f"{self.title}: means of replicates", arrays, units, tuple(shown), self.notes, self.parameters)

    def over_time(self) -> DishTable:
        """Return one row a dish, replicate and minute: shares of T cells and targets, mean CD19 of free targets."""
        parts: list[dict[str, Any]] = []
        for row, dish in enumerate(self.dishes):
            targets = dish.targets()
            ones = np.ones(len(dish.counts))
            parts.append(
                {
                    "drug_ng_per_ml": ones * self["drug_ng_per_ml"][row],
                    "replicate": np.full(len(ones), self["replicate"][row]),
                    "minutes": ones * dish.minutes,
                    "engaged_effectors": dish.engaged(),
                    "engaged_targets": targets["engaged"],
                    "free_targets": targets["free"],
                    "dead_targets": targets["dead"],
                    **{f"effectors_{kind}": share for kind, share in dish.effectors().items()},
                    "cd19_of_free": dish.cd19_of_free,
                }
            )
        swept = [name for name in SWEPT if name != "drug_ng_per_ml" and len(np.unique(self[name])) > 1]
        columns = {name: np.repeat(self[name], [len(dish.counts) for dish in self.dishes]) for name in swept}
        columns |= {name: np.concatenate([part[name] for part in parts]) for name in _TIME_UNITS}
        units: Mapping[str, str] = {name: self.units[name] for name in swept} | _TIME_UNITS
        shown = (*swept, "drug_ng_per_ml", "minutes", "engaged_effectors", "engaged_targets", "dead_targets", "cd19_of_free")
        return DishTable(f"{self.title}: minute by minute", columns, units, shown, self.notes, self.parameters)

    def plot(self, view: str | None = None, ax: Any = None) -> Any:
        """Draw the dishes; return the Axes.

        Parameters
        ----------
        view : str, optional
            'drug' for engaged T cells over drug, beside the mean field and published figures, or for killed targets where
            any are dead; 'time' for engaged T cells and targets that are left; 'clusters' for T cells of one dish by kind of
            cluster over time; 'cd19' for CD19 of the targets left at the end against all at the start. Default 'drug' with
            three levels or more, else 'time'.
        ax : matplotlib Axes, optional
        """
        return self.drawn(view, ax)
