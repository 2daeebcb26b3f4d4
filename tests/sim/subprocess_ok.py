# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: every way in which subprocess passes and closes descriptors. Shells close what they do
# not have, which is told at severity info.
# @expect {"kind": "bad_fd", "severity": "info", "count": "maybe"}
import os
import shutil
import subprocess
import sys

from simlib import wait_for_tracer


def main():
    for close_fds in (True, False):
        subprocess.run(["true"], close_fds=close_fds, check=True)
        subprocess.run("true | cat", shell=True, close_fds=close_fds, check=True)
    reader, writer = os.pipe()
    subprocess.run(["sh", "-c", "echo x >&%d" % writer], pass_fds=[writer], check=True)
    os.close(writer)
    assert os.read(reader, 10) == b"x\n"
    os.close(reader)
    child = subprocess.Popen([sys.executable, "-S", "-c", "print(input())"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.communicate(b"x\n")[0] == b"x\n"
    subprocess.run(["true"], preexec_fn=lambda: os.close(os.dup(1)), check=True)
    if shutil.which("bash"):
        subprocess.run(["bash", "--noprofile", "-lc", "exec 5>/dev/null; echo >&5; exec 5>&-"],
                       check=True)
    try:
        subprocess.run(["/nonexistent"])
    except OSError:
        pass


wait_for_tracer()
main()
