"""python/check_run.py of the source tree as a function: a run's numbers computed again, without the program's code."""

import dataclasses
import pathlib
import re
import subprocess
import sys

# Where the check lies: beside this file when installed, two folders up in the source tree.
FOLDERS = (pathlib.Path(__file__).parent / "independent", pathlib.Path(__file__).parents[2])


@dataclasses.dataclass(frozen=True)
class Check:
    """What came of a check. text is all that it has said; rows and cells are how many numbers' rows and cells were compared."""

    agrees: bool
    disagreements: tuple
    rows: int
    cells: int
    text: str

    def __bool__(self):
        return self.agrees

    def __repr__(self):
        return f"upi.Check(agrees={self.agrees})\n{self.text}"


def check(run, root=".", tolerance=1e-3, fit_signs=False):
    """Compute every score of a run, its choice of sign and its tables again, with TensorFlow's own gradients.

    root is the folder at which relative paths in the configuration begin. Numbers may differ by tolerance. fit_signs scores both
    signs of each perturbation on the fit split, too. It takes a process of its own, with TensorFlow in it, and about as long as
    the run did. Raises RuntimeError where the check itself could not be done; a disagreement is in the Check that it returns.
    """
    script = next((f / "check_run.py" for f in FOLDERS if (f / "check_run.py").exists()), None)
    if script is None:
        raise RuntimeError("check_run.py is not installed")
    command = [sys.executable, str(script), str(run), "--root", str(root), "--tolerance", repr(float(tolerance))]
    done = subprocess.run(command + ["--fit-signs"] * fit_signs, capture_output=True, text=True)
    counts = re.search(r"(\d+) rows of \d+ perturbations and (\d+) cells compared", done.stdout)
    said = [line for line in done.stderr.splitlines() if line.startswith(("disagreement: ", "check_run: "))]
    if counts is None or done.returncode != 0 and not said:
        missing = re.search(r"No module named '([\w.]+)'", done.stderr)
        advice = f"\nThe check needs {missing[1]}: pip install 'upi-maps[check]'" if missing else ""
        raise RuntimeError(f"{run} could not be checked{advice}\n{done.stderr[-2000:]}")
    disagreements = tuple(line.removeprefix("disagreement: ") for line in said if line.startswith("disagreement: "))
    return Check(done.returncode == 0, disagreements, int(counts[1]), int(counts[2]), done.stdout + "\n".join(said))
