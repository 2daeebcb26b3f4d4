/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who looks after the code that a finding is about, by the path of its file.
 *
 * A rule is GLOB NAME with blanks between them; the last one that matches holds, so that a later
 * file of the configuration goes before an earlier one. GLOB is fnmatch(3)'s, in which * passes
 * slashes, too.
 *
 * Owns: the rules. Pure.
 */
#ifndef FDTRACE_AGENT_OWNERS_H
#define FDTRACE_AGENT_OWNERS_H

#include <stddef.h>

#include "session/sink.h"

struct owners_rule {
	char *text;	  /* as it was written */
	char *glob;	  /* these two from the heap, too */
	const char *name; /* lies in glob's text */
};

/* All zero: no rules. */
struct owners {
	struct owners_rule *rules;
	size_t count, room;
};

/* 0; -EINVAL: it is no rule; -ENOMEM. */
int owners_add(struct owners *owners, const char *text);
void owners_clear(struct owners *owners);
void owners_free(struct owners *owners);

/* Lent; NULL: nobody. */
const char *owners_of_file(const struct owners *owners, const char *file);

/*
 * The same of a finding: of the program's own innermost function at the call that is wrong, or
 * where that is not known, at the one that failed; of a call that a finalizer made, whoever opened
 * the descriptor.
 */
const char *owners_of_finding(const struct owners *owners, const struct finding_view *view);

#endif
