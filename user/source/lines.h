/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One line of a file whose name somebody else has chosen, read with his rights.
 *
 * Owns: taking his rights on, the way to the file, and what is done with it: regular files on local
 * file systems alone, of a bounded size. Never: opens a FIFO or a device, follows a link out of the
 * root directory, reads what the kernel makes up for its reader (/proc, /sys).
 */
#ifndef FDTRACE_SOURCE_LINES_H
#define FDTRACE_SOURCE_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "abi/record.h"

/* A longer line is cut. */
#define SOURCE_LINE_MAX 400

/* As whom a file is opened. */
struct source_rights {
	uint32_t uid, gid;
	uint32_t capabilities; /* of RIGHTS_CAPABILITIES */
	uint32_t group_count;  /* at most RECORD_GROUPS_MAX */
	uint32_t groups[RECORD_GROUPS_MAX];
};

/* The file read last. All zero: none. */
struct source_text {
	char *data;
	size_t size;
};

/*
 * What this process may do is not needed any more but for source_read(): it gives all else up, for
 * good. 0 or negative errno.
 */
int source_confine(void);

/*
 * Reads file, as it is seen from the directory root_fd, which is lent. 0; -EPERM: these rights
 * cannot be taken on; other negative errno: there is nothing that may be shown.
 */
int source_read(int root_fd, const struct source_rights *rights, const char *file,
		struct source_text *ret_text);
void source_text_free(struct source_text *text);

/* Line number line, from 1, without white space around it, into ret. Its bytes; 0: none. */
size_t source_cut(const struct source_text *text, uint32_t line, char ret[SOURCE_LINE_MAX]);

#endif
