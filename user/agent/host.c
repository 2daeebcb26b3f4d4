/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"

#define MACHINE_ID "/etc/machine-id"

/* That of a system that is being installed is none. */
static void read_machine_id(char ret[HOST_ID_SIZE])
{
	_cleanup_fclose_ FILE *file = fopen(MACHINE_ID, "re");
	char text[64] = "";

	if (file && fgets(text, sizeof(text), file) &&
	    strspn(text, "0123456789abcdef") == HOST_ID_SIZE - 1)
		memcpy(ret, text, HOST_ID_SIZE - 1);
}

void host_read(struct host *ret)
{
	memset(ret, 0, sizeof(*ret));
	read_machine_id(ret->id);
	if (gethostname(ret->name, sizeof(ret->name) - 1))
		ret->name[0] = '\0';
}

int host_new_run(char ret[HOST_RUN_SIZE])
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -errno;
	snprintf(ret, HOST_RUN_SIZE, "%016" PRIx64, random);
	return 0;
}
