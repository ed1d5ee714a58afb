"""The command upi: it takes the place of this process, with the libtensorflow of the installed TensorFlow."""

import importlib.metadata
import importlib.util
import os
import pathlib
import signal
import sys

# The minor version for which the command's binding to TensorFlow is made.
TENSORFLOW = "2.18."
BINARY = pathlib.Path(__file__).parent / "bin" / "upi"


def main():
    # Until the command is there to say it better, a signal ends the process and no traceback shows.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    environment = dict(os.environ)
    try:
        folder = libraries()
    except RuntimeError as problem:
        sys.exit(f"upi: {problem}")
    # The binary looks in the TensorFlow of its own site-packages.
    if folder != BINARY.parents[2] / "tensorflow":
        environment["LD_LIBRARY_PATH"] = os.pathsep.join([str(folder), *filter(None, [environment.get("LD_LIBRARY_PATH")])])
    os.execve(BINARY, ["upi", *sys.argv[1:]], environment)


def libraries():
    """The folder of libtensorflow. TensorFlow is looked for and not imported, which would take seconds."""
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.origin is None:
        raise RuntimeError("TensorFlow is not installed here: pip install 'tensorflow-cpu==2.18.1'")
    versions = [importlib.metadata.version(name) for name in ("tensorflow-cpu", "tensorflow") if installed(name)]
    if versions and not any(v.startswith(TENSORFLOW) for v in versions):
        raise RuntimeError(f"TensorFlow {versions[0]} is installed, this needs {TENSORFLOW}1: pip install 'tensorflow-cpu=={TENSORFLOW}1'")
    folder = pathlib.Path(spec.origin).parent
    if not (folder / "libtensorflow_cc.so.2").exists():
        raise RuntimeError(f"{folder} has no libtensorflow_cc.so.2: this TensorFlow is not PyPI's")
    return folder


def installed(name):
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
