/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Garbage in the upper 32 bits of the argument: the kernel looks at the lower ones alone.
 * @expect {"kind": "double_close", "type": "file", "path": "/dev/null", "fd": "fd", "calls":
 *   {"bad": "close", "closed": "close", "opened": "openat"}}
 */
#include <fcntl.h>
#include <sys/syscall.h>

#include "sim.h"

int main(void)
{
	int fd;

	wait_for_tracer();
	fd = say("fd", open("/dev/null", O_RDONLY));
	syscall(SYS_close, 0x1234567800000000L | fd);
	syscall(SYS_close, 0x7654321000000000L | fd);
	return 0;
}
