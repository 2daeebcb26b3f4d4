/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Findings as JSON lines in a file that others rotate, or on standard output.
 *
 * Owns: the file, and that what cannot be written costs lines, which are counted, and never the
 * trace: it is tried again. Each line begins at the beginning of one, whatever happened before.
 * Never: removes or renames a file.
 */
#ifndef FDTRACE_AGENT_FINDINGS_FILE_H
#define FDTRACE_AGENT_FINDINGS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/writer.h"
#include "report/report.h"
#include "session/sink.h"

struct findings_file {
	struct output output;
	const char *path;  /* lent; NULL: standard output */
	int fd;		   /* ours; -1: none */
	int err;	   /* why nothing can be written now; 0: it can */
	bool told;	   /* that has been said */
	uint64_t failures; /* so often writing has begun to fail */
	uint64_t retry_ns; /* CLOCK_BOOTTIME */
};

#define FINDINGS_FILE_NONE ((struct findings_file){.fd = -1})

/*
 * path: "-" is standard output; lent. *ret_sink is the caller's. 0; negative errno: it cannot be
 * opened.
 */
int findings_file_open(struct findings_file *file, const char *path,
		       const struct json_options *options, struct sink **ret_sink);
void findings_file_close(struct findings_file *file);

/* The file of this name, which may be another one by now: it has been rotated. path: lent. */
void findings_file_reopen(struct findings_file *file, const char *path);

/* Writes what waits; all: waits for a slow reader. now_ns: CLOCK_BOOTTIME. */
void findings_file_step(struct findings_file *file, uint64_t now_ns, bool all);

/* Why it cannot be written, once each time that it begins to fail. NULL: nothing new. Lent. */
const char *findings_file_trouble(struct findings_file *file);

#endif
