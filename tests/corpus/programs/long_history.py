# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Many innocents had the number between the two closes of one object.

misleads: the last generation
truth(five): double_close likely
truth(twenty): double_close likely
truth(sixty): double_close likely
truth(files): double_close proven
truth(steals): reused_close proven
"""
import os

from proof import FORM, begin, fails, gone, took


class Upload:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED

    def release(self):
        os.close(self.fd)  # FIRST CULPRIT


def innocent_raw():
    os.close(os.open("/dev/zero", os.O_RDONLY))


def innocent_file():
    with open(__file__):
        pass


begin()
upload = Upload()
upload.release()  # first
innocents = (innocent_file,) if FORM in ("files", "steals") else (innocent_raw, innocent_file)
for turn in range({"five": 5, "twenty": 20}.get(FORM, 60)):
    innocents[turn % len(innocents)]()
gone(upload.fd)
if FORM == "steals":
    victim = took(open(__file__), upload.fd)  # VICTIM(steals)
    upload.release()  # culprit(steals)
    with fails():
        victim.close()
else:
    with fails():
        upload.release()  # culprit(five,twenty,sixty,files)
