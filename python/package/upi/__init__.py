"""Universal perturbations for interpretation: what a run of the command upi has left, for Python.

    import upi
    run = upi.read("runs/quickstart")
    run                                  # shows itself in Jupyter
    run.tables["summary"]                # pandas, or pyarrow where pandas is not installed
    run.scores                           # a row for each image under each perturbation
    delta = run.perturbations[0].delta   # height x width x channels, float32, in pixel units 0..255, its sign applied
    upi.check("runs/quickstart").agrees  # every number computed again with TensorFlow's own gradients
"""

from importlib import metadata

from .checking import Check, check
from .reading import Example, KeptMaps, Perturbation, Run, read

__all__ = ["Check", "Example", "KeptMaps", "Perturbation", "Run", "check", "read"]

try:
    __version__ = metadata.version("upi-maps")
except metadata.PackageNotFoundError:  # read from the source tree
    __version__ = "0.0.0"
