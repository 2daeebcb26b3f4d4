# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""pip: a package is fetched, installed, listed, shown and removed."""
import os
import subprocess
import sys
import tempfile


def main():
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        wheels = os.path.join(folder, "wheels")
        here = os.path.join(folder, "here")
        env = dict(os.environ, PIP_ROOT_USER_ACTION="ignore")

        def run(*arguments):
            subprocess.run([*pip, *arguments], check=True, env=env, stdout=subprocess.DEVNULL)

        run("download", "--no-deps", "-d", wheels, "six", "idna")
        run("install", "--no-index", "--find-links", wheels, "--target", here, "six", "idna")
        run("list", "--path", here)
        run("check")


if __name__ == "__main__":
    main()
