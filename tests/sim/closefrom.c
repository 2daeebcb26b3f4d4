/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A closefrom() by hand: every number from 3 to the limit.
 * @expect {"kind": "close_sweep", "severity": "info", "count": "any"}
 */
#include <fcntl.h>

#include "sim.h"

int main(void)
{
	wait_for_tracer();
	open("/dev/null", O_RDONLY);
	fcntl(1, F_DUPFD, 100);
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	return 0;
}
