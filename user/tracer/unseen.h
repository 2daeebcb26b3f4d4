/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What cannot be seen in a session: sentences, each once.
 *
 * Owns: that list. Never: finds out.
 */
#ifndef FDTRACE_TRACER_UNSEEN_H
#define FDTRACE_TRACER_UNSEEN_H

#include <stddef.h>

#define UNSEEN_NOTES_MAX 16
#define UNSEEN_NOTE_SIZE 240

struct unseen {
	char *notes[UNSEEN_NOTES_MAX];
	size_t count;
	const char **list;
};

/* One more, unless it is there, or there are too many. */
void unseen_note(struct unseen *unseen, const char *sentence);

/*
 * Those of `hooks`, ended by NULL, behind them these, and `now`, unless it is NULL; ended by NULL,
 * lent until the next call. Without memory those of hooks alone.
 */
const char *const *unseen_list(struct unseen *unseen, const char *const *hooks, const char *now);

void unseen_free(struct unseen *unseen);

#endif
