# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""fork, spawn and exec.

truth(parent_closed): double_close proven
truth(child_twice): double_close proven
truth(child_file): reused_close proven
truth(both): none
truth(process): double_close proven
truth(popen_child): double_close proven
truth(exec): none
truth(inherited): none
truth(used_in_child): use_after_close likely
"""
import multiprocessing
import os
import subprocess
import sys

from proof import FORM, begin, fails, took


class Upload:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED

    def release(self):
        os.close(self.fd)  # FIRST CULPRIT(parent_closed,child_twice,child_file,process,popen_child)


def in_child(function):
    pid = os.fork()
    if not pid:
        status = 1
        try:
            function()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0


def again(upload):
    with fails():
        upload.release()  # culprit(parent_closed,child_twice,process,popen_child)


def parent_closed():
    upload = Upload()
    upload.release()  # first(parent_closed)
    in_child(lambda: again(upload))


def twice():
    upload = Upload()
    upload.release()  # first(process,popen_child)
    again(upload)


def child_twice():
    upload = Upload()

    def work():
        upload.release()  # first(child_twice)
        again(upload)
    in_child(work)
    upload.release()


def child_file():
    upload = Upload()
    upload.release()  # first(child_file)

    def work():
        victim = took(open(__file__), upload.fd)  # VICTIM(child_file)
        upload.release()  # culprit(child_file)
        with fails():
            victim.close()
    in_child(work)


def both():
    upload = Upload()
    in_child(upload.release)
    upload.release()


def read(number):
    with fails():
        os.read(number, 1)  # CULPRIT(used_in_child)


def used_in_child():
    upload = Upload()
    upload.release()  # first(used_in_child)
    in_child(lambda: read(upload.fd))


def process():
    child = multiprocessing.get_context("fork").Process(target=twice)
    child.start()
    child.join()
    assert child.exitcode == 0


def popen_child():
    if os.environ.get("CORPUS_CHILD"):
        return twice()
    command = [sys.executable, __file__, FORM]
    assert subprocess.call(command, env=dict(os.environ, CORPUS_CHILD="1")) == 0


def replaced():
    """exec() closes it; the number is the new program's own to open and close."""
    fd = os.open("/dev/null", os.O_RDONLY)
    code = "import os; fd = os.open('/dev/zero', 0); os.close(fd); os.close(%d)" % fd
    os.set_inheritable(fd, True)
    os.execv(sys.executable, [sys.executable, "-S", "-c", code])


def inherited():
    r, w = os.pipe()
    code = "import os; os.write(%d, b'x'); os.close(%d)" % (w, w)
    child = subprocess.Popen([sys.executable, "-S", "-c", code], pass_fds=[w])
    os.close(w)
    assert os.read(r, 2) == b"x"
    os.close(r)
    assert child.wait() == 0


begin()
{"exec": replaced}.get(FORM, globals().get(FORM))()
