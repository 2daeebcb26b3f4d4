# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""pytest with two workers of pytest-xdist; what is printed is captured by descriptors."""
import os
import subprocess
import sys
import tempfile

TESTS = '''
import os, pathlib, subprocess
import pytest

@pytest.mark.parametrize("n", range(8))
def test_it(n, tmp_path, capfd):
    (tmp_path / "a").write_text(str(n))
    subprocess.run(["echo", "hello"], check=True)
    assert "hello" in capfd.readouterr().out
'''


def main():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "test_it.py"), "w") as file:
            file.write(TESTS)
        for options in ((), ("-n", "2")):
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
            subprocess.run([*command, folder], check=True, cwd=folder)


if __name__ == "__main__":
    main()
