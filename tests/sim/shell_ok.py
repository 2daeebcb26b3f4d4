# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: shells, which close numbers that they do not have, -1 among them, and move others about.
# bash and dash close the pipes of a pipeline again in its processes: of little weight.
# @sim {"modes": ["started"]}
# @expect {"kind": "double_close", "severity": "info", "count": "maybe"}
# @expect {"kind": "bad_fd", "severity": "info", "count": "maybe"}
import shutil
import subprocess

from simlib import wait_for_tracer

SCRIPT = """
exec 3</dev/null 4>&1 5<&-
cat <&3 | cat | while read line; do echo "$line"; done
x=$(echo a; (echo b) 2>/dev/null)
cat <<END >/dev/null
$x
END
exec 3<&- 4>&- 9>&-
for i in 1 2 3; do true & done
wait
"""

wait_for_tracer()
for shell in (["dash"], ["bash"], ["bash", "--posix"], ["bash", "-l"], ["bash", "-i"]):
    if shutil.which(shell[0]):
        subprocess.run([*shell, "-c", SCRIPT], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
