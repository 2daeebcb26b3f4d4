/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "prove.h"

#include <time.h>

#include "base/mem.h"
#include "process/peek.h"

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
