/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Numbers that never were descriptors: -1 and a huge one.
 * @expect {"kind": "bad_fd", "severity": "info", "fd": "minus", "calls": {"bad": "close"}}
 * @expect {"kind": "bad_fd", "severity": "info", "fd": "huge", "calls": {"bad": "close"}}
 */
#include "sim.h"

int main(void)
{
	wait_for_tracer();
	dprintf(1, "minus=-1\n");
	say("huge", 1000000);
	close(-1);
	close(1000000);
	return 0;
}
