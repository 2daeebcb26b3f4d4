/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Closes a descriptor twice in functions whose names a stripped file does not have. */
#include <fcntl.h>
#include <unistd.h>

static void __attribute__((noinline)) hidden_close(int fd)
{
	close(fd);
	__asm__ volatile("");
}

static void __attribute__((noinline)) hidden_caller(int fd)
{
	hidden_close(fd);
	__asm__ volatile("");
}

int main(void)
{
	int fd = open("/dev/null", O_RDONLY);

	hidden_caller(fd);
	hidden_caller(fd);
	return 0;
}
