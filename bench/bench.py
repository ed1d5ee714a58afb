"""The benchmark: upi and its peers on the same work, in turns, on the same cores. `make bench` runs it.

    python bench.py [--quick] [--rows vgg,quickstart,...] [--resume]

Samples go to docs/performance.json, row by row; page.py makes docs/performance.md of them. Where two programs that do the same
work do not find the same numbers, that is said, no page is written, and the exit code is 1. What cannot be had (a peer's
packages, a key that this build does not know) is said in its rows. BENCH_QUICK=1 in the environment is --quick: everything once
or twice, in small, with its samples elsewhere.
"""

import argparse
import datetime
import json
import os
import sys

import gradients
import machine
import page
import programs
from processes import Missing, note

DOCS = os.path.join(gradients.ROOT, "docs")


def rows(args):
    """key -> function that measures it."""
    def gradient(row):
        return lambda: gradients.measure(gradients.Row(row, args.work, args.quick), args.repeats, args.seconds)

    table = {row[0]: gradient(row) for row in gradients.ROWS}
    few = min(args.repeats, 3)
    table["quickstart"] = lambda: programs.quickstart(args.work, few, args.quick)
    table["one_worker"] = lambda: programs.one_worker(args.work, few, args.quick)
    table["cached"] = lambda: programs.cached(args.work, few, args.quick)
    table["memory"] = lambda: programs.memory(args.work, few, args.quick)
    table["pictures"] = lambda: programs.pictures(args.work, few, args.quick)
    table["pca"] = lambda: programs.pca(args.work, few, args.quick, args.pca_rows)
    return table


def arguments():
    parser = argparse.ArgumentParser(description="the benchmark of upi and its peers")
    parser.add_argument("--quick", action="store_true", default=os.environ.get("BENCH_QUICK") == "1", help="see that all works")
    parser.add_argument("--rows", help="only these, with commas between; the others' samples stay")
    parser.add_argument("--resume", action="store_true", help="only the rows that the last samples lack")
    parser.add_argument("--repeats", type=int, help="samples of each gradient (5); whole programs take 3 at most")
    parser.add_argument("--seconds", type=float, help="how long a sample of a gradient lasts (2)")
    parser.add_argument("--pca-rows", type=int, help="rows of UPI-PCA on disk (20000, which are 12 GB)")
    parser.add_argument("--work", default=os.path.join(gradients.ROOT, ".deps", "bench", "work"), help="folder for what is made")
    parser.add_argument("--out", help="folder of performance.json and performance.md (docs)")
    args = parser.parse_args()
    args.repeats = args.repeats or (2 if args.quick else 5)
    args.seconds = args.seconds or (0.3 if args.quick else 2.0)
    args.pca_rows = args.pca_rows or (500 if args.quick else 20_000)
    args.out = args.out or (args.work if args.quick else DOCS)
    return args


def main():
    args = arguments()
    os.makedirs(args.work, exist_ok=True)
    path = os.path.join(args.out, "performance.json")
    samples = {}
    if (args.rows or args.resume) and os.path.exists(path):
        with open(path) as f:
            samples = json.load(f)
    table = rows(args)
    wanted = args.rows.split(",") if args.rows else [k for k in table if not (args.resume and k in samples.get("rows", {}))]
    if unknown := [k for k in wanted if k not in table]:
        sys.exit(f"no rows {', '.join(unknown)}: there are {', '.join(table)}")
    samples.update(quick=args.quick, machine=machine.describe(), versions=machine.versions(), date=str(datetime.date.today()))
    samples.setdefault("rows", {})
    for key in wanted:
        note(f"{datetime.datetime.now():%H:%M:%S} {key}")
        try:
            samples["rows"][key] = table[key]()
        except Missing as e:
            samples["rows"][key] = {"missing": str(e)}
        samples["rows"][key]["date"] = samples["date"]
        samples["rows"] = {k: samples["rows"][k] for k in table if k in samples["rows"]}
        with open(path, "w") as f:
            json.dump(samples, f, indent=1)
            f.write("\n")
    wrong = disagreements(samples)
    if wrong:
        sys.exit("the programs do not find the same numbers:\n" + "\n".join(wrong))
    with open(os.path.join(args.out, "performance.md"), "w") as f:
        f.write(page.write(samples))
    note(f"wrote {args.out}/performance.md")


def disagreements(samples):
    return [f"{key}, {name}: {lane['agrees']}"
            for key, row in samples["rows"].items() for name, lane in row.get("lanes", {}).items()
            if not lane.get("agrees", {"ok": True})["ok"]]


if __name__ == "__main__":
    main()
