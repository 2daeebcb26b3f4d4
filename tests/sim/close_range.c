/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * close_range ends several numbers, of which one is closed again; a second close_range over
 * the same numbers is right: the kernel skips what is closed.
 * @expect {"kind": "double_close", "type": "file", "path": "/dev/null", "fd": "fd", "covered": 1,
 *   "calls": {"bad": "close", "closed": "close_range", "opened": "dup2"}}
 */
#include <fcntl.h>
#include <sys/syscall.h>

#include "sim.h"

int main(void)
{
	int null;

	wait_for_tracer();
	null = open("/dev/null", O_RDONLY);
	for (int fd = 40; fd < 50; fd++)
		dup2(null, fd);
	say("fd", 44);
	syscall(SYS_close_range, 40, 49, 0);
	syscall(SYS_close_range, 40, 49, 0);
	close(44);
	return 0;
}
