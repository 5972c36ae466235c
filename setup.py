"""Builds the C core in place: python setup.py build_ext --inplace. PORTABLE=1 leaves out what only this machine's CPU has."""

from __future__ import annotations

import os
from glob import glob

from setuptools import Extension, setup

FLAGS = ["-std=c11", "-O3", "-flto=auto", "-fstack-protector-strong", "-Wall", "-Wextra", "-Werror"]
FLAGS += [
    "-fvisibility=hidden",  # a symbol that another library might replace is never inlined
    "-fno-tree-vectorize",  # the halves of 128 bits, written singly and read as one vector, stall the pipeline
    "-fipa-pta",  # what a pointer cannot point to need not be read again
]
if os.environ.get("PORTABLE") != "1":
    FLAGS.append("-march=native")
CORE = sorted(glob("orders/core/*.c"))
HEADERS = sorted(glob("orders/core/*.h") + glob("orders/benchmark/*.h") + glob("orders/edge/*.h"))
# the same core, without Python around it
PURE = [source for source in CORE if not os.path.basename(source).startswith(("module.", "bind_"))]


def extension(name: str, sources: list[str]) -> Extension:
    return Extension(name, sources, depends=HEADERS, extra_compile_args=FLAGS, extra_link_args=["-flto=auto", "-O3"])


setup(
    name="meridian-core",
    packages=[],
    ext_modules=[
        extension("orders._core", CORE),
        extension("orders._edge", sorted(glob("orders/edge/*.c"))),
        extension("orders.benchmark._limits", PURE + sorted(glob("orders/benchmark/*.c"))),
    ],
)
