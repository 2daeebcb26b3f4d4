/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/synthesize.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "process/facts.h"
#include "tracer/unsupported.h"

int synthesize_process(record_fn feed, void *arg, pid_t pid, enum process_since since)
{
	_cleanup_free_ struct record_process *record = NULL;
	int err = facts_read(pid, 0, FACTS_ALL, &record);

	if (err)
		return err;
	record->since = since;
	return feed(arg, &record->h);
}

int synthesize_child(record_fn feed, void *arg, const struct record_fork *record, bool parent)
{
	_cleanup_free_ struct record_process *facts = NULL;

	if (facts_read(record->child_tgid, record->child_start_ns, parent ? FACTS_PLACE : FACTS_ALL,
		       &facts))
		return 0;
	return feed(arg, &facts->h);
}

int synthesize_program(record_fn feed, void *arg, const struct record_exec *record)
{
	_cleanup_free_ struct record_process *facts = NULL;

	if (facts_read(record->h.tgid, record->start_ns, FACTS_ALL, &facts))
		return 0;
	if (strncmp(facts->comm, record->comm, sizeof(record->comm)))
		facts->facts &= ~FACTS_PROGRAM;
	return feed(arg, &facts->h);
}

int synthesize_runtime(record_fn feed, void *arg, pid_t pid, const struct python_runtime *runtime)
{
	union {
		struct record_runtime record;
		char room[sizeof(struct record_runtime) + RUNTIME_NAME];
	} buf = {0};
	int size;

	unsupported_name(runtime, buf.record.name);
	size = strlen(buf.record.name);
	record_own(&buf.record.h, RECORD_RUNTIME, sizeof(buf.record) + size, pid, clock_boot_ns());
	buf.record.name_size = size;
	return feed(arg, &buf.record.h);
}

int synthesize_forget(record_fn feed, void *arg, pid_t pid)
{
	struct record_header record;

	record_own(&record, RECORD_FORGET, sizeof(record), pid, clock_boot_ns());
	return feed(arg, &record);
}
