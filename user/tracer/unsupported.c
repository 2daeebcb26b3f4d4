/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/unsupported.h"

#include <stdio.h>
#include <string.h>

void unsupported_name(const struct python_runtime *runtime, char ret[RUNTIME_NAME])
{
	snprintf(ret, RUNTIME_NAME, runtime->pypy ? "PyPy" : "CPython %s", runtime->version_text);
}

/* What is in the way, in words. */
static const char *obstacle(const struct python_runtime *runtime, bool unsound)
{
	if (runtime->pypy)
		return "which keeps its frames in ways of its own";
	if (unsound)
		return "but its memory is not laid out as that version's";
	if (runtime->layout.version)
		return "but is not built as that version is";
	return "which fdtrace does not know";
}

void unsupported_meet(struct unsupported *unsupported, pid_t pid,
		      const struct python_runtime *runtime, bool unsound)
{
	char name[RUNTIME_NAME], tail[UNSUPPORTED_SIZE];

	unsupported_name(runtime, name);
	snprintf(tail, sizeof(tail), " runs %s, %s: its calls have no Python stacks", name,
		 obstacle(runtime, unsound));
	for (unsigned int i = 0; i < unsupported->count; i++) {
		if (strstr(unsupported->lines[i], tail))
			return; /* said, or about to be */
	}
	if (unsupported->count == UNSUPPORTED_MAX)
		return;
	snprintf(unsupported->lines[unsupported->count++], UNSUPPORTED_SIZE, "process %d%.140s",
		 pid, tail);
}

const char *unsupported_notice(struct unsupported *unsupported)
{
	return unsupported->told < unsupported->count ? unsupported->lines[unsupported->told++]
						      : NULL;
}
