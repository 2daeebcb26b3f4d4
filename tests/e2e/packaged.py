# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What is run of one package on one Python, where it is to be had."""
import os
from dataclasses import dataclass

import harness
import packages


@dataclass(frozen=True)
class Packaged:
    """A kind of run has a method run_with(), given the folders that PYTHONPATH needs."""

    package: str
    python: harness.Python

    @property
    def id(self):
        return f"{self.package}-{self.python.label}"

    def run(self):
        """What run_with() returns, or why it cannot be."""
        try:
            path = packages.path(self.python, self.package)
        except packages.Unavailable as why:
            return str(why)
        return self.run_with(path)


def simulator_env(path):
    """Of a program that uses the simulators' own modules, too."""
    return harness.clean_env(PYTHONPATH=os.pathsep.join([str(harness.SIM), *path]),
                             PYTHONWARNINGS="ignore")  # eventlet's word on its own age
