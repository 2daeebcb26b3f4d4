/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * CLOSE_RANGE_CLOEXEC closes nothing now: the close after it is right, the next one is not.
 * @expect {"kind": "double_close", "type": "file", "path": "/dev/null", "fd": "fd", "calls":
 *   {"bad": "close", "closed": "close", "opened": "dup2"}}
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
	syscall(SYS_close_range, 40, 49, 1 << 2 /* CLOSE_RANGE_CLOEXEC */);
	say("fd", 44);
	for (int fd = 40; fd < 50; fd++)
		close(fd);
	close(44);
	return 0;
}
