/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/sudo.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* A decimal id; (uid_t)-1 is no id: it means "leave as it is" to setresuid(2). */
static int parse_id(const char *text, uint32_t *ret)
{
	unsigned long long value = 0;
	char *end = NULL;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value >= UINT32_MAX)
		return -EINVAL;
	*ret = value;
	return 0;
}

int sudo_user(uid_t *ret_uid, gid_t *ret_gid)
{
	const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");
	int err;

	if (!uid || !gid || geteuid() != 0)
		return -ENOENT;
	err = parse_id(uid, ret_uid);
	return err ? err : parse_id(gid, ret_gid);
}
