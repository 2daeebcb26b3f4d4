/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which findings are the same to a reader.
 *
 * Owns: the fingerprint of a finding, and a set of those that have been met, bounded. Pure: what a
 * report shows once is recorded once, so whoever makes either asks here.
 */
#ifndef FDTRACE_SESSION_FINGERPRINT_H
#define FDTRACE_SESSION_FINGERPRINT_H

#include <uthash.h>

#include "session/sink.h"

#define FINGERPRINT_SIZE 24

/*
 * "v1:" and 16 hex digits: a stable hash of the kind and of the functions and file base
 * names of its sites' stacks (not lines, pids, numbers, hosts).
 */
void finding_fingerprint(const struct finding_view *view, char ret[FINGERPRINT_SIZE]);

/* A fingerprint that has been met. */
struct repeat {
	char fingerprint[FINGERPRINT_SIZE];
	char *line;    /* whoever keeps the set may leave a text from the heap here; NULL: none */
	uint64_t more; /* how often it has been met again */
	UT_hash_handle hh;
};

/* All zero: nothing has been met. */
struct repeats {
	struct repeat *all; /* in the order in which they were met */
	uint64_t beyond; /* findings that are not in it, for too many different ones came before */
};

/*
 * 1: the first of its fingerprint, which *ret (may be NULL) now stands for, lent; 0: it has been
 * met, or is beyond the bound: counted; -ENOMEM.
 */
int repeats_meet(struct repeats *repeats, const struct finding_view *view, struct repeat **ret);

/* The texts too. */
void repeats_free(struct repeats *repeats);

#endif
