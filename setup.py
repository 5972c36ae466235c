"""Builds the C core in place: python setup.py build_ext --inplace. PORTABLE=1 leaves out what only this machine's CPU has."""

import os
from glob import glob

from setuptools import Extension, setup

FLAGS = ["-std=c11", "-O3", "-flto", "-fstack-protector-strong", "-Wall", "-Wextra", "-Werror"]
if os.environ.get("PORTABLE") != "1":
    FLAGS.append("-march=native")

setup(
    name="meridian-core",
    packages=[],
    ext_modules=[
        Extension(
            "orders._core",
            sorted(glob("orders/core/*.c")),
            depends=sorted(glob("orders/core/*.h")),
            extra_compile_args=FLAGS,
            extra_link_args=["-flto", "-O3"],
        )
    ],
)
