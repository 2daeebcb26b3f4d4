# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A virtual machine that boots one kernel, runs one command, and is gone.

The guest sees the machine's root read-only under a tmpfs, and in /run/share a folder of the
caller's that it may write to. One of another architecture sees a root of that, and this tree,
where it lies. Owns: the processes that it starts. Never: a network, a disk, hardware acceleration:
everything is emulated, on any machine.
"""
import lzma
import os
import resource
import shlex
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import roots
from kernels import ARCH

INIT = Path(__file__).parent / "init"
TREE = Path(__file__).resolve().parents[2]
BUSYBOX = "bin/busybox"  # of the guest's root
VIRTIOFSD = "/usr/lib/qemu/virtiofsd"
MODULES = ["virtio_pci", "virtio_rng", "virtiofs", "overlay"]
MEMORY = "1536M"
# The second line: what costs an emulated kernel much, and no test asks for.
APPEND = (
    "quiet loglevel=2 panic=-1 lsm=lockdown,yama,apparmor,bpf "
    "mitigations=off init_on_alloc=0 audit=0 nowatchdog"
)
BOOT_SECONDS = 180  # until the command runs; tried so many times
BOOTS = 3


@dataclass(frozen=True)
class Board:
    """What is emulated of an architecture."""

    qemu: str
    options: tuple
    append: str


BOARDS = {
    # Without the string instructions that hardware is fast at, and emulation goes through by the
    # byte. no_timer_check: on a busy machine the emulated timer fails its test, and the kernel
    # panics.
    "amd64": Board("qemu-system-x86_64", ("-M", "q35", "-cpu", "max,-la57,-erms,-fsrm"),
                   "console=ttyS0 no_timer_check"),
    # Return addresses are signed, as on current processors, by a sum that is quickly emulated.
    "arm64": Board("qemu-system-aarch64",
                   ("-M", "virt,gic-version=3", "-cpu", "max,pauth-impdef=on,sve=off,sme=off"),
                   "console=ttyAMA0"),
}


class Died(Exception):
    """The guest ended without a status: a panic, or its time was over."""


def cpio(files):
    """An initramfs of {name: content}, in the kernel's format (newc); content None: a folder."""
    archive = b""
    for inode, (name, content) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        mode = 0o040755 if content is None else 0o100755
        path = name.encode() + b"\0"
        fields = [inode, mode, 0, 0, 1, 0, len(content or b""), 0, 0, 0, 0, len(path), 0]
        archive += b"070701" + b"".join(b"%08X" % field for field in fields) + path
        archive += b"\0" * (-len(archive) % 4)
        archive += content or b""
        archive += b"\0" * (-len(archive) % 4)
    return archive


def module_text(path):
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def root_of(kernel):
    """Where the guest's root lies here."""
    return Path("/") if kernel.arch == ARCH else roots.fetch(kernel.arch)


def initramfs(kernel):
    modules = {p.name.removesuffix(".xz"): p for p in kernel.module_files(MODULES)}
    files = {"bin": None, "modules": None}
    files["bin/busybox"] = (root_of(kernel) / BUSYBOX).read_bytes()
    files["init"] = INIT.read_bytes()
    files["modules/order"] = "".join(f"{name}\n" for name in modules).encode()
    for name, path in modules.items():
        files[f"modules/{name}"] = module_text(path)
    return cpio(files)


def share_folder(stack, work, tag, source):
    """Starts a virtiofsd; QEMU's arguments for it."""
    socket = work / f"{tag}.socket"
    command = [VIRTIOFSD, f"--socket-path={socket}", "-o", "sandbox=chroot"]
    command += ["-o", f"source={source}", "-o", "cache=none" if tag == "share" else "cache=always"]
    log = stack.enter_context(open(work / f"{tag}.log", "wb"))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    stack.callback(end, process)
    # It keeps open each file that the guest knows: more than the 1024 that a login allows at first.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most, most))
    while not socket.exists():
        if process.poll() is not None:
            raise Died(f"virtiofsd: {(work / f'{tag}.log').read_text().strip()}")
        time.sleep(0.01)
    return [
        *("-chardev", f"socket,id={tag},path={socket}"),
        *("-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"),
    ]


def end(process):
    """Ends a child, if it has not ended by itself."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def machine(kernel, work, cpus, append):
    """QEMU's arguments, but for the folders."""
    board = BOARDS[kernel.arch]
    return [
        *(board.qemu, *board.options, "-accel", "tcg,thread=single"),
        *("-smp", str(cpus), "-m", MEMORY, "-object"),
        *(f"memory-backend-memfd,id=memory,size={MEMORY},share=on", "-numa", "node,memdev=memory"),
        *("-kernel", str(kernel.image), "-initrd", str(work / "initramfs")),
        *("-append", f"{board.append} {APPEND} {append}".strip()),
        *("-display", "none", "-serial", "stdio", "-monitor", "none", "-nic", "none"),
        "-no-reboot",
    ]


def script(command, cwd, env):
    lines = [f"export {name}={shlex.quote(value)}" for name, value in env.items()]
    return "\n".join([*lines, f"cd {shlex.quote(str(cwd))} || exit 125", f"exec {command}", ""])


def run(kernel, command, *, share, env, cwd, cpus=2, timeout=3600, append="", output=None):
    """Boots the kernel and runs a shell command; its exit status. Its output goes to the file
    output (None: our own)."""
    (share / "command").write_text(script(command, cwd, env))
    status = share / "status"
    status.unlink(missing_ok=True)
    for _ in range(BOOTS):
        if boot(kernel, share, cpus, timeout, append, output):
            break
    if not status.exists():
        raise Died("the guest ended without a status: see its output")
    return int(status.read_text())


def boot(kernel, share, cpus, timeout, append, output):
    """One guest, to its end. False: it did not come so far as to run the command: on a busy
    machine emulated timers fail now and then."""
    started = share / "started"
    started.unlink(missing_ok=True)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fdtrace-vm-")))
        (work / "initramfs").write_bytes(initramfs(kernel))
        argv = machine(kernel, work, cpus, append)
        argv += share_folder(stack, work, "host", root_of(kernel))
        argv += share_folder(stack, work, "share", share)
        if kernel.arch != ARCH:
            (share / "tree").write_text(f"{TREE}\n")
            argv += share_folder(stack, work, "tree", TREE)
        qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        stack.callback(end, qemu)
        with suppress(subprocess.TimeoutExpired):
            qemu.wait(BOOT_SECONDS)
        if not started.exists():
            return False
        try:
            qemu.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Died(f"no end within {timeout:.0f} s") from None
    return True


def lacking(arch):
    """The programs that a guest needs and this machine does not have."""
    needed = [BOARDS[arch].qemu, VIRTIOFSD, "apt-get", "dpkg", "depmod"]
    needed += [f"/{BUSYBOX}"] if arch == ARCH else ["clang", "ld.lld"]
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [name for name in needed if not shutil.which(name, path=path)]
