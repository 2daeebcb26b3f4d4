/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/validate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "process/peek.h"
#include "python/reread.h"

/* Frames come and go while they are read: one walk that fits proves, so many that do not refute. */
#define TRIES	 8
#define PAUSE_NS 500000

static bool read_validated(void *arg, uint64_t address, void *buf, size_t size)
{
	return peek_read(*(const int *)arg, address, buf, size);
}

enum soundness validate_process(pid_t pid, const struct python_runtime *runtime, uint64_t bias)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	_cleanup_close_ int fd = peek_open(pid);
	enum soundness soundness = CONSISTENT_NOT_YET;

	for (unsigned int i = 0; fd >= 0 && i < TRIES; i++) {
		if (i)
			nanosleep(&pause, NULL);
		soundness = python_consistent(runtime, bias, read_validated, &fd);
		if (soundness != CONSISTENT_NO)
			break;
	}
	return soundness;
}

/* The code object of a record, which its process may free and make anew at any time. */
struct suspect {
	const struct ebpf *ebpf;
	const struct py_layout *layout;
	pid_t pid;
	int memory;
	uint64_t code, ident, type;
};

/* What the code object leads to now, as the kernel side reads it. */
static bool read_parts(struct suspect *suspect, struct code_parts *ret)
{
	const struct py_layout *layout = suspect->layout;
	const struct {
		uint16_t field;
		void *to;
		size_t size;
	} reads[] = {
		{layout->code_filename, &ret->filename, sizeof(ret->filename)},
		{layout->code_name, &ret->name, sizeof(ret->name)},
		{layout->code_table, &ret->table, sizeof(ret->table)},
		{layout->code_firstlineno, &ret->firstlineno, sizeof(ret->firstlineno)},
		{layout->code_version, &ret->version, sizeof(ret->version)},
	};

	*ret = (struct code_parts){0};
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		if (reads[i].field != LAYOUT_NONE &&
		    !read_validated(&suspect->memory, suspect->code + reads[i].field, reads[i].to,
				    reads[i].size))
			return false;
	return true;
}

/*
 * What was read was that code object if it led to the same things before and after, of which those
 * that were resident at the call were compared by the kernel side, at each call since.
 */
static bool is_still_there(struct suspect *suspect)
{
	struct code_parts sent, now;

	return ebpf_code_is_sent(suspect->ebpf, suspect->pid, suspect->code, suspect->ident, &sent,
				 &suspect->type) &&
	       read_parts(suspect, &now) && !memcmp(&sent, &now, sizeof(now));
}

int validate_table(const struct ebpf *ebpf, const struct record_code_table *record,
		   const struct py_layout *layout, record_fn feed, void *arg)
{
	_cleanup_close_ int fd = peek_open(record->h.tgid);
	struct suspect suspect = {ebpf, layout, record->h.tgid, fd, record->code, record->ident, 0};
	uint32_t offset = record->offset;
	int err = 0;

	if (fd < 0 || !is_still_there(&suspect))
		return 0;
	while (!err) {
		_cleanup_free_ struct record_code_table *piece =
			reread_table(record, offset, layout, suspect.type, read_validated, &fd);

		if (!piece || !is_still_there(&suspect))
			return 0;
		offset += piece->bytes;
		err = feed(arg, &piece->h);
	}
	return err;
}

/* The whole record, the caller's, or NULL. */
static struct record_code *reread(const struct ebpf *ebpf, const struct record_code *record,
				  const struct py_layout *layout)
{
	_cleanup_close_ int fd = peek_open(record->h.tgid);
	struct suspect suspect = {ebpf, layout, record->h.tgid, fd, record->code, record->ident, 0};
	struct record_code *code;

	if (fd < 0 || !is_still_there(&suspect))
		return NULL;
	code = reread_code(record, layout, suspect.type, read_validated, &fd);
	if (code && is_still_there(&suspect))
		return code;
	free(code);
	return NULL;
}

int validate_code(const struct ebpf *ebpf, const struct record_code *record,
		  const struct py_layout *layout, record_fn feed, void *arg)
{
	_cleanup_free_ struct record_code *whole = reread(ebpf, record, layout);
	struct record_code_table rest = {.h = record->h};
	int err = feed(arg, whole ? &whole->h : &record->h);

	if (err || !whole || whole->table_bytes == whole->table_total)
		return err;
	rest.h.type = RECORD_CODE_TABLE;
	rest.code = record->code;
	rest.ident = record->ident;
	rest.offset = whole->table_bytes;
	return validate_table(ebpf, &rest, layout, feed, arg);
}
