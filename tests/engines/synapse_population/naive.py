"""A dish of Python objects, one for each cell: slow, plain, with the reaction as five equations; the same visit order.

Written from the published description. Shared with the engine are the random bits and the order in which they are used.
"""

import math

import numpy as np

from bitesim.engines.synapse_population.cells import COUNTED
from bitesim.foundation.random_streams import open_unit, random_words, standard_normal

AVOGADRO = 6.02214076e23
NAMES = {(1, 0): "E", (1, 1): "ET", (2, 1): "ETE", (1, 2): "TET", (2, 2): "ETET", (3, 1): "ETEE", (1, 3): "TETT"}
CELL_EVENT = 4


class Cell:
    def __init__(self, copies):
        self.copies = copies
        self.fate = "free"


class Cluster:
    """One T cell or more, with targets or without."""

    def __init__(self, effector):
        self.effectors = [effector]
        self.targets = []
        self.formed = None

    @property
    def kind(self):
        return NAMES[len(self.effectors), len(self.targets)]

    @property
    def size(self):
        return len(self.effectors) + len(self.targets)


def take_out(things, thing):
    """Remove by putting the last one into its place."""
    place = next(k for k, each in enumerate(things) if each is thing)
    things[place] = things[-1]
    things.pop()


class NaiveDish:
    def __init__(self, effectors, targets, drug_ng_per_ml, volume_ml, seed, replicate, p):
        self.p, self.luck, self.draw = p, (seed, replicate), 0
        self.drug, self.volume = drug_ng_per_ml, volume_ml
        sd3 = math.sqrt(2.0 * math.log(p.cd3_mean_copies / p.cd3_geometric_mean))
        sd19 = math.sqrt(2.0 * math.log(p.cd19_mean_copies / p.cd19_geometric_mean))
        self.t_cells = [Cell(p.cd3_geometric_mean * math.exp(sd3 * self.normal(2**60 + k))) for k in range(effectors)]
        self.targets = [Cell(p.cd19_geometric_mean * math.exp(sd19 * self.normal(2**61 + k))) for k in range(targets)]
        self.lists = {name: [] for name in NAMES.values()}
        self.lists["E"] = [Cluster(cell) for cell in self.t_cells]
        self.free, self.clusters = list(self.targets), []
        self.touches = self.held = 0

    def normal(self, draw):
        return standard_normal(*self.luck, CELL_EVENT, draw)

    def two_uniform(self):
        words = random_words(*self.luck, CELL_EVENT, self.draw)
        self.draw += 1
        return [open_unit(np.uint64(word)) for word in words]

    def run(self, minutes):
        rows, rebinds = [self.counted()], 1
        for minute in range(1, minutes + 1):
            self.end_clusters(minute)
            if minute >= rebinds:
                self.balance()
                rebinds += self.p.rebinding_minutes
            self.minute, self.kept = minute, math.exp(-self.p.cd19_internalisation_per_min * minute)
            self.one_round()
            rows.append(self.counted())
        return rows

    def counted(self):
        hosts = [len(self.lists[name]) for name in COUNTED[:7]]
        return [*hosts, len(self.free), sum(t.fate == "dead" for t in self.targets), self.touches, self.held]

    def end_clusters(self, minute):
        while self.clusters and minute - self.clusters[0].formed >= self.p.synapse_minutes:
            cluster = self.clusters.pop(0)
            take_out(self.lists[cluster.kind], cluster)
            for target in cluster.targets:
                target.fate = "dead"
            self.lists["E"] += [Cluster(cell) for cell in cluster.effectors]

    def balance(self):
        """Free drug by bisection."""
        p = self.p
        a = sum(cell.copies for cell in self.t_cells) / self.volume / AVOGADRO * 1e15
        b = sum(cell.copies for cell in self.targets if cell.fate != "dead") / self.volume / AVOGADRO * 1e15
        total = 1e3 * self.drug / p.drug_kda
        low, high = 0.0, total
        for _ in range(200):
            y = 0.5 * (low + high)
            bound = a * y / (p.cd3_dissociation_pm + y) + b * y / (p.cd19_dissociation_pm + y)
            low, high = (y, high) if y + bound < total else (low, y)
        self.on_cd3, self.on_cd19 = y / (p.cd3_dissociation_pm + y), y / (p.cd19_dissociation_pm + y)

    def meets(self, cells):
        p = self.p
        mean = p.volume_radius_um**3 / (3 * p.diffusion_um2_per_s * p.capture_radius_um)
        mean -= 3 * p.volume_radius_um**2 / (5 * p.diffusion_um2_per_s)
        return 1.0 - math.exp(-60.0 * cells / self.volume / mean)

    def one_round(self):
        p, t, e = self.p, self.meets(len(self.free)), self.meets(len(self.lists["E"]))
        self.grow("ET", 2 * t * p.et_plus_t, 2 * e * p.et_plus_e)
        self.grow("ETE", 3 * t * p.ete_plus_t, 3 * e * p.ete_plus_e)
        self.grow("TET", 3 * t * p.tet_plus_t, 3 * e * p.tet_plus_e)
        self.grow("E", t, 0.0)

    def grow(self, kind, by_target, by_effector):
        if by_target + by_effector == 0.0:
            return
        hosts = list(self.lists[kind])
        while True:
            u, v = self.two_uniform()
            # Every host fails by itself: how many do before one succeeds.
            for _ in range(math.floor(math.log(u) / math.log1p(-by_target - by_effector))):
                if not hosts:
                    return
                hosts.pop()
            if not hosts:
                return
            host = hosts.pop()
            is_target = v * (by_target + by_effector) < by_target
            partners = self.free if is_target else self.lists["E"]
            if not partners:
                continue
            u, v = self.two_uniform()
            partner = partners[math.floor(u * len(partners))]
            members = host.effectors if is_target else host.targets
            member = members[math.floor(v * len(members))]
            u, v = self.two_uniform()
            seconds = self.p.shortest_touch_s + (self.p.longest_touch_s - self.p.shortest_touch_s) * u
            effector, target = (member, partner) if is_target else (partner.effectors[0], member)
            self.touches += 1
            if v < 1.0 - math.exp(-self.p.adhesion_per_bond * self.bonds(effector, target, seconds)):
                self.held += 1
                take_out(self.lists[kind], host)
                take_out(partners, partner)
                if is_target:
                    partner.fate = "bound"
                    host.targets.append(partner)
                else:
                    host.effectors.append(partner.effectors[0])
                if kind == "E":
                    host.formed = self.minute
                    self.clusters.append(host)
                self.lists[host.kind].append(host)

    def bonds(self, effector, target, seconds):
        """Five equations of the published code by small steps of Heun's method, extrapolated."""
        p = self.p
        ay = self.on_cd3 * effector.copies / p.t_cell_surface_um2
        lost = 1.0 + p.cd3_down_modulation * ay**0.9 * min(self.minute, p.cd3_loss_minutes) ** 0.7
        a = (1.0 - self.on_cd3) * effector.copies / p.t_cell_surface_um2 / lost
        b = (1.0 - self.on_cd19) * target.copies / p.blast_surface_um2
        yb = self.on_cd19 * target.copies / p.blast_surface_um2 * self.kept
        start = (0.0, a, ay / lost, b, yb)

        def change(y):
            ayb, a, ay, b, yb = y
            from_cd19 = p.bridging_um2_per_s * a * yb - p.cd3_release_per_s * ayb
            from_cd3 = p.bridging_um2_per_s * b * ay - p.cd19_release_per_s * ayb
            return (from_cd19 + from_cd3, -from_cd19, -from_cd3, -from_cd3, -from_cd19)

        def heun(steps):
            y, h = start, seconds / steps
            for _ in range(steps):
                one = change(y)
                two = change([value + h * rate for value, rate in zip(y, one, strict=True)])
                y = [value + 0.5 * h * (r + s) for value, r, s in zip(y, one, two, strict=True)]
            return y[0]

        return p.contact_area_um2 * (4.0 * heun(40) - heun(20)) / 3.0
