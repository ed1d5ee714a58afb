"""Write the page of the study of how many images one pattern serves, from its runs.

    python python/shared.py runs/study_shared docs/results/study_shared.md

A pattern of_N was fitted on the first N images; here it is scored on these, as are noise and the attack on each image. The page's text,
above the line <!-- tables -->, is left as it is.
"""

import argparse

from study import cells_of, way, write


def table(cells):
    """For each number of images that a pattern was fitted on: how far it moves their maps, and how far noise and an attack on each do."""
    wide = cells.pivot(index="image_id", columns="method", values="normalized_l2").dropna()
    kinds = cells.groupby("method")["kind"].first()
    numbers = sorted(int(name.removeprefix("of_")) for name in wide.columns if name.startswith("of_"))
    lines = ["| images | noise | one pattern for all | one for each | way | scored |", "|---:|---:|---:|---:|---:|---:|"]
    for n in numbers:
        # An image's id is its row in the shard that all patterns were fitted on.
        own = wide[wide.index < n]
        means, name = own.mean(), f"of_{n}"
        lines.append(f"| {n} | {means['random']:.3f} | {means[name]:.3f} ± {own[name].sem():.3f} | {means['per_image']:.3f} | "
                     f"{way(means, kinds)[name]} | {len(own)} |")
    return "\n".join(lines) + "\n"


def page(runs):
    return "\n".join(line for heading, cells in cells_of(runs, 1) for line in (heading, "", table(cells)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("runs", help="the directory of the runs of the study")
    parser.add_argument("page", help="the page to write")
    options = parser.parse_args()
    write(options.runs, options.page, page)


if __name__ == "__main__":
    main()
