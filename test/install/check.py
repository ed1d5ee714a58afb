"""upi.check finds a run of this machine in order, and a run with another perturbation not.

    python check.py RUN
"""

import pathlib
import shutil
import sys

import pyarrow as pa
import pyarrow.parquet as pq

import upi

run = pathlib.Path(sys.argv[1])
found = upi.check(run)
assert found and found.agrees and not found.disagreements and found.rows >= 20 and found.cells >= 2, found

# A pattern turned upside down no longer gives the scores.
other = run.with_name("other")
shutil.copytree(run, other)
file = other / "perturbations.parquet"
table = pq.read_table(file)
deltas = [list(reversed(delta)) for delta in table["delta"].to_pylist()]
at = table.schema.get_field_index("delta")
pq.write_table(table.set_column(at, table.schema.field(at), pa.array(deltas, table.schema.field(at).type)), file)
wrong = upi.check(other)
assert not wrong and len(wrong.disagreements) >= 10, wrong
try:
    upi.check(run / "scores")
except RuntimeError as problem:
    assert "could not be checked" in str(problem)
else:
    raise AssertionError("a folder of scores could be checked")
print(f"wheel: upi.check agrees on {found.rows} rows and {found.cells} cells, and finds what was changed")
