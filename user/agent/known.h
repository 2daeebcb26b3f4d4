/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which bugs a host has met: of which service and version, since when, when last, how often.
 *
 * Owns: whether a finding's bug is new, known or returned, and when it is due to be told again; a
 * bounded number of bugs, of which the one not met for the longest time goes first. Pure: who keeps
 * it across restarts puts in what was kept, and takes out what has changed. Never: lets a clock
 * that is set back make a bug older than it is.
 */
#ifndef FDTRACE_AGENT_KNOWN_H
#define FDTRACE_AGENT_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/sink.h"

#define KNOWN_BUGS_MAX 4096
/* Bytes of each text, with the NUL; longer ones are cut. */
#define KNOWN_TEXT     256

/* Whose bug. Texts are lent; none is NULL. */
struct known_key {
	const char *service, *version;
	const char *bug; /* see finding_bug() of session/fingerprint.h */
};

/* What is kept of one. Times are nanoseconds since the epoch. */
struct known_record {
	struct known_key key;
	int64_t first_ns, last_ns;
	uint64_t count;
	int64_t told_ns; /* 0: never */
	uint64_t told_count;
};

struct known_limits {
	size_t bugs;		   /* at most; 0: KNOWN_BUGS_MAX */
	int64_t returned_after_ns; /* so long not met: it has returned */
	int64_t again_ns;	   /* so long not told: it is due */
};

struct known;
struct known_bug;

/* NULL: no memory. */
struct known *known_new(const struct known_limits *limits);
void known_free(struct known *known);

/* One that was kept. 0, -EINVAL: no such bug can be, or -ENOMEM. */
int known_load(struct known *known, const struct known_record *record);

/*
 * A finding of that bug, at that time. *ret_seen: what is known of it, this finding counted; its
 * last_ns is when it was met before, or now if it never was. It stays new, or returned, until it is
 * told. It is due for the first time since the start, at 10, 100, 1000…, and when it has not been
 * told for known_limits.again_ns. Lent till the next call; NULL: no memory.
 */
struct known_bug *known_meet(struct known *known, const struct known_key *key, int64_t time_ns,
			     struct finding_seen *ret_seen);

/* It has been told. */
void known_told(struct known *known, struct known_bug *bug, int64_t time_ns);

/*
 * One that has changed and is to be kept: at once when it is new or has been told, but counts alone
 * every 10 seconds; all: whichever has changed. now_ns: of a clock that never goes back. It counts
 * as kept. *ret is lent till the next call. False: there is none.
 */
bool known_take_unsaved(struct known *known, uint64_t now_ns, bool all, struct known_record *ret);

struct known_stats {
	uint64_t bugs;	  /* now */
	uint64_t evicted; /* so far, for want of room */
};

void known_stats(const struct known *known, struct known_stats *ret);

#endif
