# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""jupyter: a kernel is started, computes, is restarted, is stopped."""
import sys

from jupyter_client.manager import KernelManager


def run(client, code):
    reply = client.execute_interactive(code, timeout=120)
    assert reply["content"]["status"] == "ok", reply


def main():
    manager = KernelManager(kernel_name="python3")
    manager.kernel_spec.argv[0] = sys.executable
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    run(client, "x = open('/etc/passwd').read(); print(len(x))")
    run(client, "import subprocess; print(subprocess.run(['true']).returncode)")
    run(client, "!true")
    manager.restart_kernel(now=False)
    client.wait_for_ready(timeout=120)
    run(client, "1 + 1")
    client.stop_channels()
    manager.shutdown_kernel()


if __name__ == "__main__":
    main()
