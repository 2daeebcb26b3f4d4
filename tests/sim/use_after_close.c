/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Calls on a closed number, each told with the close that ended it.
 * @expect {"kind": "use_after_close", "type": "file", "fd": "fd", "calls": {"bad": "read",
 *   "closed": "close", "opened": "openat"}}
 * @expect {"kind": "use_after_close", "type": "file", "fd": "fd", "calls": {"bad": "lseek"}}
 * @expect {"kind": "use_after_close", "type": "file", "fd": "fd", "calls": {"bad": "dup"}}
 * @expect {"kind": "use_after_close", "type": "file", "fd": "fd", "calls": {"bad": "fsync"}}
 */
#include <fcntl.h>

#include "sim.h"

int main(void)
{
	char byte;
	int fd;

	wait_for_tracer();
	fd = say("fd", open("/dev/null", O_RDONLY));
	close(fd);
	if (read(fd, &byte, 1) >= 0 || lseek(fd, 0, SEEK_SET) >= 0 || dup(fd) >= 0 ||
	    fsync(fd) >= 0)
		errx(1, "the number is still open");
	return 0;
}
