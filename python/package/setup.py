"""The wheel holds one binary for any Python 3: scripts/wheel.sh says for which platform, and the version."""

import os

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel


class WithBinary(Distribution):
    def has_ext_modules(self):
        return True  # so it is installed where TensorFlow is: the binary looks for it there


class Wheel(bdist_wheel):
    def get_tag(self):
        return "py3", "none", os.environ["UPI_PLATFORM"]


setup(distclass=WithBinary, version=os.environ["UPI_VERSION"], cmdclass={"bdist_wheel": Wheel})
