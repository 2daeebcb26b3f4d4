/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * exec closes a number; the new program, which never had it, closes it: no second close, but a
 * number that was never open there.
 * @expect {"kind": "bad_fd", "severity": "info", "fd": "fd", "missing": ["closed", "opened"]}
 */
#include <fcntl.h>

#include "sim.h"

int main(int argc, char **argv)
{
	char number[16];
	int fd;

	if (argc > 1)
		return close(atoi(argv[1])) ? 0 : 1;
	wait_for_tracer();
	fd = say("fd", fcntl(1, F_DUPFD_CLOEXEC, 60));
	snprintf(number, sizeof(number), "%d", fd);
	execl(argv[0], argv[0], number, NULL);
	err(1, "exec");
}
