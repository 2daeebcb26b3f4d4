/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What is the same about findings of one mistake: hashes of it.
 *
 * Owns: the fingerprint of a finding, the name of a bug, and what a report shows once. Pure.
 */
#ifndef FDTRACE_SESSION_FINGERPRINT_H
#define FDTRACE_SESSION_FINGERPRINT_H

#include "session/sink.h"

#define FINGERPRINT_SIZE 24

/*
 * "v1:" and 16 hex digits: a stable hash of the kind and of the functions and file base
 * names of its sites' stacks (not lines, pids, numbers, hosts).
 */
void finding_fingerprint(const struct finding_view *view, char ret[FINGERPRINT_SIZE]);

/*
 * "b1:" and 16 hex digits: the same of the mistake alone. Of both closes (or the close and the
 * use) the functions up to the program's own and the one that called it; of what was opened only
 * where one of these is a finalizer's or was not seen; without any frame the program and the
 * number. A second close that failed and one that hit somebody else's descriptor are one bug.
 * view->bug is not looked at.
 */
void finding_bug(const struct finding_view *view, char ret[FINGERPRINT_SIZE]);

/*
 * How many of a stack's frames say where a call stands: the program's own function, what it called
 * to make the call, and who called it.
 */
size_t stack_place_frames(const struct stack *stack);

/*
 * Where the close at this site stands: of the functions that finding_bug() takes, their lines too.
 * 0: no Python function stands there.
 */
uint64_t site_place(const struct fd_site *site, const struct stack *stack);

/* Which bug what may follow from either of these bugs is said to be, whatever their order. */
void finding_either_bug(const char *a, const char *b, char ret[FINGERPRINT_SIZE]);

/*
 * The same of view->bug, the kind, and the place of the bad call, its line too: findings of one key
 * tell a reader the same.
 */
void finding_repeat_key(const struct finding_view *view, char ret[FINGERPRINT_SIZE]);

#endif
