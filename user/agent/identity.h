/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who each traced process is: its service, container, pod, host and program.
 *
 *	identities_new()	a sink, the first of all: it is told of each process
 *	identity_of()		for the other sinks: the attributes of a finding's process
 *	identities_sum_up()	what was watched since the last time, and
 *	identities_each_service() by which service
 *
 * Owns: when a process is asked (when it is taken up, and when it has run another program; a child
 * has what its parent has until then; once more after a while, or for its first finding), and what
 *of that is kept, bounded: of what finds no room only the number is known. Never: keeps anything
 *else of an environment, or believes what a process says of itself beyond its own name.
 */
#ifndef FDTRACE_AGENT_IDENTITY_H
#define FDTRACE_AGENT_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/coverage.h"
#include "base/attribute.h"
#include "session/sink.h"

/* All services together have so many bytes. */
#define IDENTITY_BYTES_MAX  (4u << 20)
/* So many processes that have exited are remembered: findings may still come. */
#define IDENTITY_EXITED_MAX 1024
/* So long no process is believed to have published what it is. */
#define IDENTITY_YOUNG_NS   1000000000ull
/* So long after a program's start that is looked for. */
#define IDENTITY_LOOK_NS    10000000000ull

struct identities;

/* *ret_sink is the caller's, and must go before the rest. 0 or -ENOMEM. */
int identities_new(struct identities **ret_identities, struct sink **ret_sink);
void identities_free(struct identities *identities);

/*
 * The attributes of a process: OpenTelemetry's names of what its resource has. What is not known is
 * left out. wall_offset_ns: see clock.h. Lent until the next call; its texts are UTF-8 without
 * control characters.
 */
const struct attributes *identity_of(struct identities *identities, const struct process *process,
				     int64_t wall_offset_ns);

/* Of a process: what the session knows; NULL: nothing. */
typedef const struct process *(*identity_find_fn)(void *arg, uint32_t pid);

/* Looks at one process again, if it is time for that. now_ns: CLOCK_BOOTTIME. */
void identities_step(struct identities *identities, uint64_t now_ns, identity_find_fn find,
		     void *arg);

/*
 * Adds what has been watched of each process up to now. now_ns: CLOCK_BOOTTIME. True: for want of
 * memory it is not the whole.
 */
bool identities_sum_up(struct identities *identities, uint64_t now_ns, identity_find_fn find,
		       void *arg);

/* Hands each service that was watched to fn, and begins a new period. How many there were. */
size_t identities_each_service(struct identities *identities,
			       void (*fn)(void *arg, const struct coverage_row *row), void *arg);

/* Adds the attributes of the host, lent for as long as the identities are there. */
void identity_host(const struct identities *identities, struct attributes *list);

#endif
