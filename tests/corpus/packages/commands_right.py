# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Commands run by sh, plumbum and invoke.

needs: sh==1.14.2
needs: plumbum==1.8.2
needs: invoke==2.2.0
truth(sh): none
truth(plumbum): none
truth(invoke): none
"""
import os

from proof import FORM, begin, skip

if FORM == "invoke" and not os.path.exists("/bin/bash"):
    skip("invoke runs its commands by /bin/bash")
if FORM == "sh":
    import sh
elif FORM == "plumbum":
    from plumbum import local
else:
    import invoke

begin()
for _ in range(2):
    if FORM == "sh":
        assert sh.echo("x").strip() == "x"
    elif FORM == "plumbum":
        assert (local["echo"]["x"] | local["cat"])().strip() == "x"
    else:
        assert invoke.run("echo x", hide=True).stdout.strip() == "x"
