/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The descriptor owners that a Python made before fdtrace attached: each living _io.FileIO,
 * _socket.socket and select.epoll, and each object of a class derived from them, whose memory says
 * that it has a descriptor number as its own.
 *
 * Owns: the search in the process's memory, in small steps. First the type objects are looked for,
 * where the C library and the files' data keep them; then the objects of those types, wherever the
 * process may have put them. Pages that are not resident are left alone: nothing is brought in from
 * swap, and no page is made.
 *
 * Never: stops the process; believes it: what is read may change meanwhile, or be forged, so all
 * is bounded, and each object is read once more before it is handed out. Never judges: two objects
 * that claim one number are both handed out.
 */
#ifndef FDTRACE_PROCESS_OWNER_SCAN_H
#define FDTRACE_PROCESS_OWNER_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/record.h"

struct owner_scan;
struct py_layout;

/* A longer name is cut. */
#define OWNER_CLAIM_NAME_SIZE 64

/* An object that has a number as its own, as its memory said a moment ago. */
struct owner_claim {
	uint64_t object; /* its address */
	uint64_t type;	 /* its ob_type */
	int32_t fd;
	uint8_t kind;	  /* enum owner_type */
	uint8_t flags;	  /* enum owner_flag; OWNER_CLOSES is always set */
	const char *name; /* its type's tp_name; hostile bytes; lent for the call */
};

/* Anything but 0 ends the scan, and is what the step returns. */
typedef int (*owner_claim_fn)(void *arg, const struct owner_claim *claim);

/* 0 in a field: what owner_scan.c has for it. */
struct owner_scan_limits {
	uint64_t max_bytes;   /* so much memory is read */
	uint32_t max_types;   /* so many type objects are looked at */
	uint32_t max_claims;  /* so many objects are kept to be read once more */
	uint32_t max_regions; /* so many mappings are searched */
};

struct owner_scan_progress {
	/* Bytes of address space passed over, and to pass over in all: the latter may grow when
	 * a class is found late. Pages that are not resident count in both. */
	uint64_t done;
	uint64_t total;
	uint64_t bytes_read;
	uint64_t bytes_swapped; /* pages that were left alone in swap: what is there is missed */
	uint32_t types;		/* type objects that were looked at */
	uint32_t owner_types;	/* those whose objects own descriptors */
	uint32_t claims;	/* handed out */
	bool limited;		/* a limit was met: there may be more */
};

/*
 * Prepares the scan of the program that pid runs now; the process's descriptors and mappings are
 * listed in the first step. code_type: the address of PyCode_Type in the process. layout: of that
 * Python. limits: NULL: the usual ones. The caller frees *ret with owner_scan_free().
 * 0; -ENOTSUP: no owner layout is known for this Python; -ESRCH: there is no such process, or no
 * such memory; other negative errno: it cannot be read.
 */
int owner_scan_new(pid_t pid, const struct py_layout *layout, uint64_t code_type,
		   const struct owner_scan_limits *limits, struct owner_scan **ret);

/*
 * Goes on for about budget_ns of wall-clock time (UINT64_MAX: to the end), at least for one piece
 * of memory (256 KiB: some 0.1 ms). Claims are handed out in the last steps, when all memory has
 * been searched. 1: there is more to do; 0: done; negative errno: it ended early (-ESRCH: the
 * process ended or runs another program), and no step may follow.
 */
int owner_scan_step(struct owner_scan *scan, uint64_t budget_ns, owner_claim_fn fn, void *arg);

void owner_scan_progress(const struct owner_scan *scan, struct owner_scan_progress *ret);

/* NULL: nothing to do. */
void owner_scan_free(struct owner_scan *scan);

#endif
