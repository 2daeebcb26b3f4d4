/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Makes more calls than a small ring holds, when told to; then closes a descriptor twice.
 *
 * It says where it is, and goes on with each byte that it is given, or at the end of its input.
 */
#include <fcntl.h>

#include "sim.h"

static void step(const char *name, int number)
{
	char byte;

	say(name, number);
	if (read(0, &byte, 1) < 0)
		err(1, "read");
}

int main(void)
{
	int kept;

	wait_for_tracer();
	kept = open("/etc/group", O_RDONLY);
	step("kept", kept);
	for (int i = 0; i < 5000; i++)
		close(open("/dev/null", O_RDONLY));
	step("burst", 0);
	close(kept);
	close(kept);
	return 0;
}
