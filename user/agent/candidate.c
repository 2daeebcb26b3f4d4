/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/candidate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "process/facts.h"
#include "process/proc.h"

/* The kernel's word for a file that has lost its name, as upgrades do it: proc(5). */
#define DELETED " (deleted)"

static char *dup_text(const char *text, size_t size)
{
	return size ? mem_dup_text(text, size) : NULL;
}

static void cut_deleted(char *path)
{
	size_t length = strlen(path), cut = strlen(DELETED);

	if (length > cut && !strcmp(path + length - cut, DELETED))
		path[length - cut] = '\0';
}

/* The texts of a record stand behind it, one after the other. */
static int take_texts(const struct record_process *record, struct candidate *ret)
{
	const char *cgroup = record->data + record->exe_size;

	ret->exe = dup_text(record->data, record->exe_size);
	ret->cgroup = dup_text(cgroup, record->cgroup_size);
	ret->container = dup_text(cgroup + record->cgroup_size, record->container_size);
	if ((record->exe_size && !ret->exe) || (record->cgroup_size && !ret->cgroup) ||
	    (record->container_size && !ret->container))
		return -ENOMEM;
	if (ret->exe)
		cut_deleted(ret->exe);
	return 0;
}

uint32_t candidate_user(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, pid);
	return stat(path, &st) ? UINT32_MAX : st.st_uid;
}

int candidate_read(pid_t pid, struct candidate *ret)
{
	_cleanup_free_ struct record_process *record = NULL;
	int err = proc_is_program(pid) ? facts_read(pid, 0, PROCESS_EXE | PROCESS_CGROUP, &record)
				       : -ESRCH;

	*ret = (struct candidate){0};
	if (!err)
		err = take_texts(record, ret);
	if (err) {
		candidate_free(ret);
		return err;
	}
	ret->subject = (struct scope_subject){
		.exe = ret->exe,
		.cgroup = ret->cgroup,
		.container = ret->container,
		.uid = candidate_user(pid),
	};
	if (ret->cgroup && cgroup_unit(ret->cgroup, ret->unit))
		ret->subject.unit = ret->unit;
	if (ret->cgroup && cgroup_pod(ret->cgroup, ret->pod))
		ret->subject.pod = ret->pod;
	return 0;
}

void candidate_free(struct candidate *candidate)
{
	free(TAKE_PTR(candidate->exe));
	free(TAKE_PTR(candidate->cgroup));
	free(TAKE_PTR(candidate->container));
}
