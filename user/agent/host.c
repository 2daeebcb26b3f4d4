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

static void read_machine_id(char *ret, int size)
{
	_cleanup_fclose_ FILE *file = fopen(MACHINE_ID, "re");

	if (!file || !fgets(ret, size, file))
		*ret = '\0';
	ret[strspn(ret, "0123456789abcdef")] = '\0';
}

int host_read(struct host *ret)
{
	uint64_t random;

	read_machine_id(ret->id, sizeof(ret->id));
	if (gethostname(ret->name, sizeof(ret->name)))
		ret->name[0] = '\0';
	ret->name[sizeof(ret->name) - 1] = '\0';
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -errno;
	snprintf(ret->run, sizeof(ret->run), "%016" PRIx64, random);
	return 0;
}
