"""Compare the scores of patterns found in bfloat16 with those found in float32.

    python python/precision.py RUN DOC

RUN is the directory of a run of configs/beyond/precision.yaml, whose attacks come in pairs: NAME and NAME.bfloat16. The table goes to
DOC in place of what stands between its two lines `<!-- table -->`. Of each pair an image's difference is the mean over the seeds; the
standard error is that over the images."""

import sys
from pathlib import Path

import pandas as pd

SUFFIX = ".bfloat16"
NAMED = 0.01  # differences beyond this are set in bold
MARK = "<!-- table -->\n"


def pairs(scores):
    """Yields (model, method, eps, pair) of each pair of attacks; pair has a row per seed and image, and a column per precision."""
    keys = ["seed", "image_id"]
    for (model, eps), cell in scores.groupby(["model", "eps"]):
        for method in sorted(m for m in cell.method.unique() if m + SUFFIX in set(cell.method)):
            exact, less = (cell[cell.method == m].set_index(keys).normalized_l2 for m in (method, method + SUFFIX))
            pair = pd.concat({"exact": exact, "less": less}, axis=1, verify_integrity=True)
            if pair.isna().any().any():
                raise SystemExit(f"{model}, {method}, {eps:g}: the two precisions are not scored on the same images")
            yield model, method, eps, pair


def table(scores):
    """Returns the table, and the cells whose difference is beyond NAMED."""
    lines = ["| network | attack | eps | float32 | between seeds | bfloat16 | difference | of each seed |", "|---|---|---:|---:|---:|---:|---:|---|"]
    far = []
    for model, method, eps, pair in pairs(scores):
        seeds = pair.groupby("seed").mean()
        differences = seeds.less - seeds.exact
        images = (pair.less - pair.exact).groupby("image_id").mean()
        mean, error = images.mean(), images.std(ddof=1) / len(images) ** 0.5
        bold = "**" if abs(mean) > NAMED else ""
        if bold:
            far.append(f"{model}, {method}, {eps:g}: {mean:+.3f} ± {error:.3f}")
        lines.append(
            f"| {model} | {method} | {eps:g} | {pair.exact.mean():.3f} | {seeds.exact.std(ddof=1):.3f} | {pair.less.mean():.3f} "
            f"| {bold}{mean:+.3f}{bold} ± {error:.3f} | {', '.join(f'{d:+.3f}' for d in differences)} |"
        )
    return lines, far


def main():
    run, doc = map(Path, sys.argv[1:])
    files = sorted((run / "scores").glob("*.parquet"))
    if not files:
        raise SystemExit(f"{run}: no scores; run configs/beyond/precision.yaml first")
    lines, far = table(pd.concat(map(pd.read_parquet, files)))
    parts = doc.read_text().split(MARK)
    if len(parts) != 3:
        raise SystemExit(f"{doc}: want two lines {MARK.strip()}")
    beyond = "; ".join(far) if far else "none"
    parts[1] = "\n".join(lines) + f"\n\nBeyond {NAMED}: {beyond}.\n"
    doc.write_text(MARK.join(parts))
    print("\n".join(lines), f"\nbeyond {NAMED}: {beyond}")


if __name__ == "__main__":
    main()
