/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The code objects that the kernel side has sent: names and line tables.
 *
 * Owns: a bounded cache, keyed by process, address and identity; decoding of Python text.
 * Pure: fed from records, no I/O. Texts are hostile: whoever prints them escapes them.
 */
#ifndef FDTRACE_PYTHON_CODE_H
#define FDTRACE_PYTHON_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/record.h"

struct code_cache;

/* One code object. Lent: valid until the next call that changes the cache. */
struct code_info {
	const char *file;     /* UTF-8 or the bytes of a surrogate-escaped name; NULL: unreadable */
	const char *function; /* qualified name from 3.11 on, else the plain one; NULL: as above */
	int firstlineno;
	int firsttraceable;	     /* bytes */
	unsigned int version;	     /* 0x030b */
	bool file_cut, function_cut; /* longer than what was sent */
	bool consistent; /* false: no code object lies there; nothing else is filled in */
	bool local_told; /* what its first local variable is is known */
	struct record_first_local local;
	bool table_whole; /* false: parts of the line table are missing: lines may be unknown */
};

/*
 * max: code objects kept at once (0: 262144); bytes: that they may take, with all that belongs to
 * them (0: 40 MiB). The oldest go first. 0 or -ENOMEM.
 */
int code_cache_new(size_t max, size_t bytes, struct code_cache **ret_cache);
/* How many have gone for want of room. */
uint64_t code_cache_forgotten(const struct code_cache *cache);
void code_cache_free(struct code_cache *cache);

/*
 * The caller answers for h.size bytes. 0, -EINVAL (sizes do not fit the record), -ENOMEM. A
 * repeated one replaces the first. A piece of a table whose code object is not here, or which
 * comes behind a lost piece, is passed over (0).
 */
int code_cache_add(struct code_cache *cache, const struct record_code *record);
int code_cache_add_table(struct code_cache *cache, const struct record_code_table *record);

/*
 * False: nothing had to go for want of room since the last call. True: something had, and the
 * oldest quarter has now gone with it, so that this is rare: what the kernel side believes to be
 * here may not be, and must be sent again.
 */
bool code_cache_relieve(struct code_cache *cache);

/* NULL if it was never sent, lost or evicted. */
const struct code_info *code_cache_find(const struct code_cache *cache, uint32_t tgid,
					uint64_t code, uint64_t ident);

/* The line at lasti: > 0, LINE_NONE or LINE_UNKNOWN (linetable.h). */
int code_cache_line(const struct code_cache *cache, uint32_t tgid, uint64_t code, uint64_t ident,
		    int lasti);

/*
 * Whether a frame of this code at lasti has not begun to run yet, so that no traceback shows
 * it (_PyFrame_IsIncomplete, Include/internal/pycore_frame.h, 3.11 on; faulthandler prints
 * such a frame all the same, in 3.11 as line ???). owner: as recorded. lasti: prev_instr (3.11,
 * 3.12) or instr_ptr (3.13) from the start of the bytecode, bytes, and in all three both the
 * rule and the line (PyCode_Addr2Line) take it just as it is.
 */
bool code_frame_incomplete(const struct code_info *info, uint8_t owner, int lasti);

/*
 * Python text (width 1, 2 or 4 bytes a character, host order; 1: Latin-1) as
 * UTF-8; a surrogate that stands for an undecodable byte (U+DC80…U+DCFF) becomes that byte
 * again, other lone surrogates their three-byte form. NUL-terminated, NULs inside become
 * U+2400. NULL without memory; the caller frees it.
 */
char *python_text(const uint8_t *data, size_t chars, unsigned int width);

#endif
