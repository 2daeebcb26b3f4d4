/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The command line of `fdtrace -p PID…`, `fdtrace -- COMMAND…` and `fdtrace replay FILE`.
 *
 * Owns: parsing, --help, --version; one table drives all. Never: opens or attaches anything.
 */
#ifndef FDTRACE_CLI_OPTIONS_H
#define FDTRACE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/record.h"
#include "base/exit_code.h"

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct options {
	pid_t *pids; /* -p, each once, in order */
	size_t pid_count;
	bool system_wide;   /* --system-wide: all that run */
	char **command;	    /* after --, NULL-terminated; NULL: none */
	const char *replay; /* the recording to replay; NULL: -p or COMMAND */
	bool follow;	    /* default; --no-follow clears it */
	bool wait;	    /* default; --no-wait clears it: not for what COMMAND leaves behind */
	bool owners;	    /* default; --ownership=off clears it */
	bool heap_scan;	    /* default; --no-heap-scan clears it */
	uint64_t heap_scan_bytes; /* --heap-scan-limit, of one process */
	bool json, events;
	const char *output; /* -o; NULL: standard output (-p) or standard error (COMMAND) */
	enum color_mode color;
	int error_exitcode;	  /* 0: findings do not change the exit status */
	bool verbose;		  /* -v: libbpf's log too */
	bool quiet;		  /* -q: findings only: no first line, no summary, no status line */
	bool all;		  /* --all: findings of severity info too */
	unsigned int frames;	  /* --frames N shown of each stack */
	size_t ring_bytes;	  /* --ring-size, a power of two */
	unsigned int history;	  /* --history N generations */
	uint64_t memory;	  /* --memory, bytes for all that is kept */
	enum native_calls native; /* --native */
	const char *debuginfod;	  /* --debuginfod: URLs; NULL: no server is asked */
	const char *record;	  /* --record FILE; NULL: none */
	uint64_t record_bytes;	  /* --record-size */
	bool check_kernel;	  /* --check-kernel: only say what this kernel offers */
	const char *hooks;	  /* --hooks KIND; NULL: auto */
	unsigned int drop;	  /* --drop N, for tests: every Nth record is lost; 0: none */
};

/*
 * `replay` as the first argument takes a part of the options, and a FILE.
 *
 * Parses argv into *ret. 0: go on. 1: all is said (--help, --version): exit with EXIT_OK.
 * Negative: the error is on stderr: exit with EXIT_USAGE.
 */
int options_parse(int argc, char **argv, struct options *ret);
void options_free(struct options *options);

#endif
