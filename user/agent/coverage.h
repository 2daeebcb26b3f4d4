/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What was watched in a period, by service: without it nobody can say that a bug has gone, or on
 * how many hosts it is.
 *
 * Owns: the sums of the period, of a bounded number of services. Pure.
 */
#ifndef FDTRACE_AGENT_COVERAGE_H
#define FDTRACE_AGENT_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef HASH_NONFATAL_OOM
#define HASH_NONFATAL_OOM 1 /* an element that could not be added has hh.tbl == NULL */
#endif
#include <uthash.h>

#include "agent/service.h"

/* Beyond so many services in a period, the others are one. */
#define COVERAGE_SERVICES_MAX 1024

struct coverage_row {
	/* The row's own; of the services that are one: SERVICE_NONE. */
	struct service service;
	bool others;	    /* it is these */
	uint64_t processes; /* watched at any time in the period */
	uint64_t full_ns;   /* of all of them */
	uint64_t calls;	    /* judged */
	uint64_t findings;  /* repeats among them */
	UT_hash_handle hh;
	char key[];
};

/* All zero: a period in which nothing has been watched. */
struct coverage {
	struct coverage_row *rows;
	uint64_t missing; /* sums that found no memory */
};

/* What of one process is in the sums. All zero: nothing is watched. */
struct coverage_watch {
	uint64_t since_ns; /* 0: it is not watched now */
	uint64_t calls;	   /* so many had been judged */
	bool counted;	   /* it is one of the processes of this period */
};

/* From here on; calls: judged before. Times: CLOCK_BOOTTIME. */
void coverage_watch(struct coverage_watch *watch, uint64_t now_ns, uint64_t calls);

/* Adds what has been watched of a process of this service up to now; it goes on being watched. */
void coverage_add(struct coverage *coverage, const struct service *service,
		  struct coverage_watch *watch, uint64_t now_ns, uint64_t calls);

void coverage_add_finding(struct coverage *coverage, const struct service *service);

/* A new period: the rows go. Whoever keeps watches sets counted to false. */
void coverage_clear(struct coverage *coverage);

#endif
