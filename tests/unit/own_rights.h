/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The rights of this process, as the kernel side tells them, for tests that read source lines.
 *
 * Include cmocka.h before it.
 */
#ifndef FDTRACE_TESTS_OWN_RIGHTS_H
#define FDTRACE_TESTS_OWN_RIGHTS_H

#include <errno.h>
#include <unistd.h>

#include "abi/record.h"
#include "source/source.h"

union own_rights {
	struct record_rights record;
	char room[sizeof(struct record_rights) + RECORD_GROUPS_MAX * sizeof(gid_t)];
};

static inline const struct record_rights *own_rights(union own_rights *rights)
{
	int groups = getgroups(RECORD_GROUPS_MAX, (gid_t *)rights->record.groups);

	assert_true(groups >= 0);
	rights->record.uid = geteuid();
	rights->record.gid = getegid();
	rights->record.capabilities = geteuid() ? 0 : RIGHTS_CAPABILITIES;
	rights->record.group_count = groups;
	rights->record.own_root = 1;
	rights->record.h.size = sizeof(rights->record) + groups * sizeof(gid_t);
	rights->record.h.type = RECORD_RIGHTS;
	return &rights->record;
}

/* Skips the test where no lines can be shown: in a user namespace with other numbers of users. */
static inline void own_source(struct source **source)
{
	int err = source_new(source);

	if (err == -ENOTSUP)
		skip();
	assert_int_equal(err, 0);
}

#endif
