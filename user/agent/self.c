/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/self.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "process/proc.h"

static uint64_t timeval_ns(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_usec * 1000;
}

uint64_t self_cpu_ns(void)
{
	static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
	uint64_t sum = 0;

	for (int i = 0; i < 2; i++) {
		struct rusage usage;

		if (!getrusage(whose[i], &usage))
			sum += timeval_ns(&usage.ru_utime) + timeval_ns(&usage.ru_stime);
	}
	return sum;
}

uint64_t self_resident_bytes(void)
{
	uint64_t pages = 0;
	char text[256];

	if (proc_read(getpid(), "statm", text, sizeof(text)) <= 0 ||
	    sscanf(text, "%*u %" SCNu64, &pages) != 1)
		return 0;
	return pages * sysconf(_SC_PAGESIZE);
}

static int count_fd(void *arg, int32_t fd, const char *link, bool cloexec)
{
	++*(uint64_t *)arg;
	return 0;
}

uint64_t self_open_fds(void)
{
	uint64_t count = 0;

	return proc_each_fd(getpid(), count_fd, &count) ? 0 : count;
}
