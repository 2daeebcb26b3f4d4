/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/heed.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/* A look at the descriptor costs a system call. */
#define EVERY_NS 20000000

static int signal_fd = -1;
static bool (*see_to)(void *arg);
static void *see_arg;
static bool given_up;
static uint64_t looked_ns;

void heed_set(int fd, bool (*fn)(void *arg), void *arg)
{
	signal_fd = fd;
	see_to = fn;
	see_arg = arg;
	given_up = false;
}

bool heed(void)
{
	struct pollfd ready = {.fd = signal_fd, .events = POLLIN};
	uint64_t now;

	if (signal_fd < 0 || given_up)
		return given_up;
	now = clock_boot_ns();
	if (now - looked_ns < EVERY_NS)
		return false;
	looked_ns = now;
	if (poll(&ready, 1, 0) == 1)
		given_up = see_to(see_arg);
	return given_up;
}

int heed_poll(int fd, short events, int wait_ms)
{
	uint64_t end_ns = clock_boot_ns() + (uint64_t)wait_ms * 1000000;
	struct pollfd ready[] = {
		{.fd = fd, .events = events},
		{.fd = signal_fd, .events = POLLIN},
	};

	while (!given_up) {
		uint64_t now = clock_boot_ns();
		int left_ms = now < end_ns ? (int)((end_ns - now) / 1000000) + 1 : 0;
		int n = poll(ready, 2, left_ms);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && ready[0].revents)
			return 1;
		if (n > 0 && ready[1].revents)
			given_up = see_to(see_arg);
		else if (!n && !left_ms)
			return 0;
	}
	return -EINTR;
}
