/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "prove.h"

#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "process/peek.h"
#include "python/mend.h"

/* Frames come and go while they are read: one walk that fits proves, so many that do not refute. */
#define TRIES	 8
#define PAUSE_NS 500000

static bool read_memory(void *arg, uint64_t address, void *buf, size_t size)
{
	return peek_read(*(const int *)arg, address, buf, size);
}

enum soundness prove_process(pid_t pid, const struct python_runtime *runtime, uint64_t bias)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	_cleanup_close_ int fd = peek_open(pid);
	enum soundness soundness = SOUND_NOT_YET;

	for (unsigned int i = 0; fd >= 0 && i < TRIES; i++) {
		if (i)
			nanosleep(&pause, NULL);
		soundness = python_sound(runtime, bias, read_memory, &fd);
		if (soundness != SOUND_NO)
			break;
	}
	return soundness;
}

/*
 * What was read was the code object of the record if that has not been freed since: then the kernel
 * side still knows it as sent. Where it does not watch frees nothing is believed.
 */
struct record_code *prove_code(const struct probe *probe, const struct record_code *record,
			       const struct py_layout *layout)
{
	const pid_t pid = record->h.tgid;
	_cleanup_close_ int fd = -1;
	struct record_code *code;
	uint64_t code_type;

	if (!probe_code_is_sent(probe, pid, record->code, record->ident, &code_type))
		return NULL;
	fd = peek_open(pid);
	code = fd < 0 ? NULL : mend_code(record, layout, code_type, read_memory, &fd);
	if (code && probe_code_is_sent(probe, pid, record->code, record->ident, &code_type))
		return code;
	free(code);
	return NULL;
}
