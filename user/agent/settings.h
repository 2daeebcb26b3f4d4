/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the agent is told to do: defaults, the configuration file, the files of conf.d beside it,
 * the environment, the command line; each goes before those named earlier here.
 *
 * Owns: the table of keys, how each is written, and its bounds. A key that is not in it is an
 * error, whoever writes it. Never: acts on any of it.
 */
#ifndef FDTRACE_AGENT_SETTINGS_H
#define FDTRACE_AGENT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/owners.h"
#include "agent/otlp.h"
#include "agent/scope.h"

#define SETTINGS_FILE "/etc/fdtrace/agent.conf"

struct settings {
	struct scope scope;	   /* scope.include, scope.exclude */
	struct owners code_owners; /* owners.path */
	char *json;		   /* findings.json: a file, "-" (standard output), "none" */
	char *spool;		   /* spool.path: a file, "none" */
	uint64_t spool_bytes;	   /* spool.size */
	char *listen;		   /* metrics.listen: HOST:PORT, "none" */
	uint64_t coverage_s;	   /* coverage.interval, seconds */
	const char *hooks;	   /* tracing.hooks: ebpf_options.kind */
	bool owners;		   /* tracing.ownership */
	bool heap_scan;		   /* tracing.heap_scan */
	uint64_t heap_scan_bytes;  /* tracing.heap_scan_limit, of one process */
	char *cache;		   /* tracing.cache: a file, "none" */
	uint64_t memory;	   /* limits.memory, bytes */
	uint64_t overhead;	   /* limits.overhead, millionths of a CPU; 0: no limit */
	uint64_t ring_bytes;	   /* limits.ring_size, a power of two */
	uint64_t history;	   /* limits.history, generations of each descriptor */
	uint64_t findings_per_minute, findings_burst; /* limits.findings_… */
	uint64_t update_interval;		      /* findings.update_interval, seconds */
	uint64_t returned_after;		      /* findings.returned_after, days */

	struct otlp_settings otlp;
};

/* Where and why a setting is none; one sentence's end. */
struct settings_error {
	char text[4096 + 512];
};

/*
 * Fills in ret from all but the command line: file with its conf.d (NULL: SETTINGS_FILE, which need
 * not exist), and of environment (ended by NULL) what begins with FDTRACE_AGENT_, and beneath that
 * what otel_environment.h knows. settings_free() frees ret, whatever this returns. 0; -EINVAL: what
 * is written is wrong; other negative errno: what cannot be read. error tells.
 */
int settings_read(const char *file, char *const *environment, struct settings *ret,
		  struct settings_error *error);

/* One setting, SECTION.KEY=VALUE. 0; -EINVAL: error tells; -ENOMEM. */
int settings_set(struct settings *settings, const char *text, struct settings_error *error);

/* A list that has no rule gets the default: programs called python. 0 or -ENOMEM. */
int settings_complete(struct settings *settings);

void settings_free(struct settings *settings);

/* All of them as a configuration file, each with a word on what it is. */
void settings_print(const struct settings *settings, FILE *out);

#endif
