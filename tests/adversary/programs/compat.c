/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A 64-bit process that makes 32-bit calls: they open and close a number between two closes of it.
 * At fixed addresses, so that such a call reaches a name.
 */
#include <errno.h>
#include <fcntl.h>

#include "sim.h"

#define ROUNDS 3

static char other[] = "/etc/group";

static int call(int nr, long a, long b)
{
	int ret = -ENOSYS;

#if defined(__x86_64__)
	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b)
			 : "memory", "r8", "r9", "r10", "r11");
#endif
	return ret;
}

int main(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		int fd = open("/etc/passwd", O_RDONLY), again;

		close(fd);
		again = call(5, (long)other, O_RDONLY);
		if (again != fd || call(6, fd, 0))
			skip("no 32-bit calls here");
		close(fd);
	}
	return 0;
}
