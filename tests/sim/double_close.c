/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Two closes in a row, and a third: the same close before each, the first one.
 * @expect {"kind": "double_close", "severity": "error", "type": "file", "path": "/dev/null",
 *   "fd": "fd", "count": 2, "threads": "same", "calls": {"bad": "close", "closed": "close",
 *   "opened": "openat"}}
 */
#include <fcntl.h>

#include "sim.h"

int main(void)
{
	int fd;

	wait_for_tracer();
	fd = say("fd", open("/dev/null", O_RDONLY));
	close(fd);
	close(fd);
	close(fd);
	return 0;
}
