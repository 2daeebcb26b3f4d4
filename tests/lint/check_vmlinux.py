#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Compares vmlinux.h with the running kernel's BTF: every field is there, of the same size."""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BTF = "/sys/kernel/btf/vmlinux"
CLANG = ["clang", "-target", "bpf", "-D__TARGET_ARCH_x86", "-w", "-ferror-limit=0"]
# Not the kernel's to describe: a context made by the BPF subsystem.
NOT_IN_BTF = {"bpf_raw_tracepoint_args"}
# Members that are structs of which we name a part, or words that the kernel has in a union.
PARTS = {"task_struct.thread_info", "task_struct.thread", "pt_regs.cs", "mm_struct.uprobes_state",
         "file.f_path", "dentry.d_name", "pid_namespace.ns", "pid.numbers", "sock.__sk_common",
         "in6_addr.u6_addr8", "unix_address.name", "socket_alloc.socket", "socket_alloc.vfs_inode"}


def fields(header):
    """"struct.field" for every member of our structs, on this architecture."""
    text = subprocess.run([*CLANG, "-E", "-P", header], capture_output=True, text=True,
                          check=True).stdout
    for name, body in re.findall(r"^struct (\w+) \{(.*?)^\};", text, flags=re.S | re.M):
        # libbpf knows "struct name___kind" as one that an older kernel has.
        if name not in NOT_IN_BTF and "___" not in name:
            yield from (f"{name}.{field}" for field in re.findall(r"(\w+)(?:\[\w*\])?;", body))


def size_of(field):
    struct, member = field.split(".")
    return f"sizeof(((struct {struct} *)0)->{member})"


def compile_all(header, lines):
    """What clang says of the lines, behind the header."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "sizes.c")
        source.write_text("\n".join([f'#include "{header}"', *lines, ""]))
        return subprocess.run([*CLANG, "-S", "-o", "-", source], capture_output=True, text=True)


def our_sizes(header, names):
    lines = [f"char size_{i}[{size_of(name)}] = {{1}};" for i, name in enumerate(names)]
    assembly = compile_all(header, lines).stdout
    sizes = dict(re.findall(r"\.size\tsize_(\d+), (\d+)", assembly))
    return [int(sizes[str(i)]) for i in range(len(names))]


def main():
    ours = TOP / "vmlinux.h"
    names = [name for name in fields(ours) if name not in PARTS]
    lines = [f'_Static_assert({size_of(name)} == {size}, "{name}: not of {size} bytes");'
             for name, size in zip(names, our_sizes(ours, names))]
    with tempfile.TemporaryDirectory() as folder:
        kernel = Path(folder, "kernel.h")
        dump = subprocess.run(["bpftool", "btf", "dump", "file", BTF, "format", "c"],
                              capture_output=True, text=True, check=True)
        kernel.write_text(dump.stdout)
        wrong = re.findall(r"sizes\.c:\d+:\d+: error: (.*)", compile_all(kernel, lines).stderr)
    print("\n".join(wrong) or f"vmlinux.h: {len(names)} fields agree with {BTF}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
