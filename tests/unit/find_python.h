/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which Python a process of this machine runs, and where in it PyCode_Type is: what an attach
 * knows before it has the process searched.
 */
#ifndef FDTRACE_FIND_PYTHON_H
#define FDTRACE_FIND_PYTHON_H

#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"
#include "process/proc.h"
#include "python/runtime.h"

struct found_python {
	struct python_runtime runtime;
	uint64_t code_type; /* in the process */
	pid_t pid;
};

static int try_mapping(void *arg, const struct proc_mapping *mapping)
{
	struct found_python *found = arg;
	const struct python_runtime *runtime = &found->runtime;
	_cleanup_close_ int fd = proc_open_mapping(found->pid, mapping);

	if (fd < 0 || python_runtime_find(fd, &found->runtime))
		return 0;
	found->code_type = runtime->code_type;
	if (!runtime->fixed)
		found->code_type += mapping->start - mapping->offset - runtime->text_vaddr +
				    runtime->text_offset;
	return 1;
}

/* 1: there is one; 0: none that fdtrace knows; negative errno. */
static inline int find_python(pid_t pid, struct found_python *ret)
{
	*ret = (struct found_python){.pid = pid};
	return proc_each_exec_mapping(pid, try_mapping, ret);
}

#endif
