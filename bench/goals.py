"""What is to be reached, computed from the samples, and what holds a figure that is not."""

import statistics

PEERS = ("tensorflow", "torch", "jax", "eager")
SCRIPTS = ("tensorflow, 2 threads", "tensorflow, 2 processes")


class Samples:
    def __init__(self, samples):
        self.rows, self.machine = samples["rows"], samples["machine"]

    def lane(self, row, name):
        return self.rows.get(row, {}).get("lanes", {}).get(name, {})

    def median(self, row, name):
        values = self.lane(row, name).get("samples")
        return statistics.median(values) if values else None

    def best(self, row, names, of=max):
        """The lane of the names with the best median, and that median."""
        found = {n: self.median(row, n) for n in names if self.median(row, n) is not None}
        return (name := of(found, key=found.get), found[name]) if found else (None, None)


def rate(row, lane="upi"):
    """upi's images per second over those of the best peer, on one core."""
    def measured(s):
        name, value = s.best(row, PEERS)
        own = s.median(row, lane)
        return None if None in (own, value) else (own / value, f"against {name}", limit(s, row, lane))
    return measured


def share(s, row, lane="upi"):
    """The share, in percent, of a core's matrix product that the gradients are. A map is two passes through the network, its
    gradient four."""
    passes = 2 if s.rows[row]["order"] == 1 else 4
    product = s.machine["gflops_bfloat16" if "bfloat16" in lane else "gflops"]
    return passes, 100 * passes * s.rows[row]["flops"] / 1e9 * s.median(row, lane) / product


def limit(s, row, lane):
    passes, percent = share(s, row, lane)
    return f"{passes} passes of {s.rows[row]['flops'] / 1e6:,.0f} MFLOP: {percent:.0f} % of the matrix product's rate"


# What a run computes in float32 whatever its precision: clean maps, signs and scores.
MAPS = ("reference", "sign", "evaluate")


def end_to_end(lane):
    def measured(s):
        name, value = s.best("quickstart", SCRIPTS, min)
        own = s.median("quickstart", lane)
        if None in (own, value):
            return None
        return value / own, f"against {name}", held_by_maps(s, lane, value)
    return measured


def held_by_maps(s, lane, script):
    """What a run would take if it computed its maps alone, on cores that are never idle; and how fast these are."""
    own, said = s.lane("quickstart", lane), []
    if stages := own.get("stages"):
        alone = own["cpu"] / s.machine["cores"] * sum(stages[m] for m in MAPS) / sum(stages.values())
        said.append(f"its maps for clean images, signs and scores alone, in float32, take {alone:.1f} s: with nothing else it would be "
                    f"{script / alone:.1f} times")
    if s.median("vgg_first", "upi"):
        said.append(f"the VGG's maps run at {share(s, 'vgg_first')[1]:.0f} % of the matrix product's rate")
    return "; ".join(said)


def workers(row):
    def measured(s):
        one, two = s.median(row, "upi"), s.median(row, "upi, 2 workers")
        return None if None in (one, two) else (two / one, "", "two cores share caches and memory bandwidth")
    return measured


def whole_run(s):
    one, two = s.median("one_worker", "upi, 1 worker"), s.median("quickstart", "upi")
    return None if None in (one, two) else (one / two, "", "what one task does alone: opening, the last batch, the tables")


def memory_of_script(s):
    name, _ = s.best("quickstart", SCRIPTS, min)
    own, other = s.lane("quickstart", "upi").get("peak"), s.lane("quickstart", name or "").get("peak")
    return None if not (own and other) else (own / other, f"against {name}", f"{own / 2**20:,.0f} of {other / 2**20:,.0f} MiB")


def memory_of_gradients(s):
    own, other = s.lane("lite0", "upi").get("peak"), s.lane("lite0", "tensorflow").get("peak")
    return None if not (own and other) else (own / other, "against tensorflow", f"{own / 2**20:,.0f} of {other / 2**20:,.0f} MiB")


def flat(s):
    lanes = s.rows.get("memory", {}).get("lanes", {})
    peaks = [statistics.median(lane["samples"]) for lane in lanes.values() if lane.get("samples")]
    if len(peaks) < 2:
        return None
    return peaks[-1] / peaks[0], f"{len(peaks)} sizes", " / ".join(f"{p:,.0f}" for p in peaks) + " MiB"


AT_LEAST, AT_MOST = "at least", "at most"
# The figure, its bound, and a function of the samples that returns the figure, against what it is, and what limits it.
GOALS = [
    ("end to end, the objective in bfloat16: times as fast as the best script", AT_LEAST, 3, end_to_end("upi bfloat16")),
    ("end to end, float32", AT_LEAST, 2, end_to_end("upi")),
    ("second order at 32 px, float32: times as fast as the best peer", AT_LEAST, 1.2, rate("vgg")),
    ("second order at 32 px, bfloat16", AT_LEAST, 2.5, rate("vgg", "upi bfloat16")),
    ("second order at 224 px, float32", AT_LEAST, 1.2, rate("lite0")),
    ("second order at 224 px, bfloat16", AT_LEAST, 2, rate("lite0", "upi bfloat16")),
    ("first order at 32 px, float32", AT_LEAST, 1, rate("vgg_first")),
    ("first order at 224 px, float32", AT_LEAST, 1, rate("lite0_first")),
    ("two workers over one, second order at 32 px", AT_LEAST, 1.85, workers("vgg")),
    ("two workers over one, second order at 224 px", AT_LEAST, 1.85, workers("lite0")),
    ("two workers over one, end to end", AT_LEAST, 1.85, whole_run),
    ("peak memory over the script's", AT_MOST, 0.33, memory_of_script),
    ("peak memory over TensorFlow's, second order at 224 px", AT_MOST, 0.33, memory_of_gradients),
    ("peak memory of the most images over that of the fewest", AT_MOST, 1.2, flat),
]


def reach(samples):
    s = Samples(samples)
    lines = ["| figure | goal | measured | reached | |", "|---|---:|---:|---|---|"]
    for what, sense, bound, measure in GOALS:
        found = measure(s)
        if found is None:
            lines.append(f"| {what} | {sense} {bound:g} | not measured | | |")
            continue
        value, against, held_by = found
        reached = value >= bound if sense == AT_LEAST else value <= bound
        said = "; ".join(part for part in (against, "" if reached else held_by) if part)
        lines.append(f"| {what} | {sense} {bound:g} | {value:.2f} | {'yes' if reached else '**no**'} | {said} |")
    return "\n".join(lines) + "\n"
