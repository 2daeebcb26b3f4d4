# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The version that closes its pipe once.

needs: prompt_toolkit==3.0.29
truth: none
"""
from prompt_toolkit.input.posix_pipe import PosixPipeInput

from proof import begin

begin()
with PosixPipeInput.create("x") as pipe:
    pipe.close()
