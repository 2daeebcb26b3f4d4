# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""black: one file, then many, by its processes."""
import os
import subprocess
import sys
import tempfile


def main():
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, "m%d.py" % n) for n in range(6)]
        for name in names:
            with open(name, "w") as file:
                file.write("x = {  'a':1 }\ndef f( a,b ):\n  return a\n")
        env = dict(os.environ, XDG_CACHE_HOME=folder)
        subprocess.run([sys.executable, "-m", "black", "-q", names[0]], check=True, env=env)
        subprocess.run([sys.executable, "-m", "black", "-q", "-W", "2", folder], check=True, env=env)
        subprocess.run([sys.executable, "-m", "black", "-q", "--check", folder], check=True, env=env)


if __name__ == "__main__":
    main()
