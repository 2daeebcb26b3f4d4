/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Opened before the tracer came, where one comes late, and closed twice after: what it was
 * is what /proc says.
 * @expect {"kind": "double_close", "type": "eventfd", "fd": "eventfd", "missing": ["opened"],
 *   "modes": ["attached"]}
 * @expect {"kind": "double_close", "type": "socket", "fd": "socket", "missing": ["opened"],
 *   "modes": ["attached"]}
 * @expect {"kind": "double_close", "type": "file", "path": "/dev/zero", "fd": "file",
 *   "missing": ["opened"], "modes": ["attached"]}
 * @expect {"kind": "double_close", "type": "eventfd", "fd": "eventfd", "modes": ["started"]}
 * @expect {"kind": "double_close", "type": "socket", "fd": "socket", "modes": ["started"]}
 * @expect {"kind": "double_close", "type": "file", "path": "/dev/zero", "fd": "file", "modes":
 *   ["started"]}
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "sim.h"

int main(void)
{
	int numbers[3];

	numbers[0] = eventfd(0, 0);
	numbers[1] = socket(AF_INET, SOCK_STREAM, 0);
	numbers[2] = open("/dev/zero", O_RDONLY);
	wait_for_tracer();
	say("eventfd", numbers[0]);
	say("socket", numbers[1]);
	say("file", numbers[2]);
	for (int i = 0; i < 3; i++) {
		close(numbers[i]);
		close(numbers[i]);
	}
	return 0;
}
