# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""ansible: one module, and a playbook with loops, files and commands, on this machine."""
import os
import subprocess
import sys
import tempfile

PLAY = """
- hosts: all
  gather_facts: yes
  connection: local
  tasks:
    - command: echo hello
    - copy: {content: hello, dest: "{{ folder }}/{{ item }}"}
      loop: [a, b, c]
    - shell: cat a b
      args: {chdir: "{{ folder }}"}
    - stat: {path: "{{ folder }}/a"}
"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        play = os.path.join(folder, "play.yml")
        with open(play, "w") as file:
            file.write(PLAY)
        env = dict(os.environ, ANSIBLE_LOCAL_TEMP=folder, ANSIBLE_REMOTE_TEMP=folder, HOME=folder,
                   ANSIBLE_LOCALHOST_WARNING="False", LC_ALL="C.UTF-8")
        on = ["-i", "one,two,", "-e", "ansible_python_interpreter=" + sys.executable]
        subprocess.run([sys.executable, "-m", "ansible", "adhoc", "all", *on, "-c", "local",
                        "-m", "ping"], check=True, env=env)
        subprocess.run([sys.executable, "-m", "ansible", "playbook", *on, "-e", "folder=" + folder,
                        play], check=True, env=env)


if __name__ == "__main__":
    main()
