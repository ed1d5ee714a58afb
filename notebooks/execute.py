"""Runs a notebook from top to bottom and prints what its cells print: execute.py NOTEBOOK

The kernel is this Python. A cell that raises an error ends the program with it; nothing is written to the notebook.
"""

import sys

import nbformat
from nbclient import NotebookClient


def main(path):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            print(output.get("text") or output.get("data", {}).get("text/plain", ""))


if __name__ == "__main__":
    main(sys.argv[1])
