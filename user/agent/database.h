/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * SQLite as the spool uses it: one file, one thread at a time, bounded in bytes and in memory.
 *
 * Owns: how the file is opened, what is asked of SQLite, its errors as errno, and the statements,
 * each prepared once. Never: opens what others could have put in the file's place.
 */
#ifndef FDTRACE_AGENT_DATABASE_H
#define FDTRACE_AGENT_DATABASE_H

#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#define DATABASE_PAGE 4096 /* bytes */

/* What a database is made of. */
struct database_form {
	const char *schema; /* statements that make it, with their own transaction */
	int32_t application, version;
	const char *const *statements;
	size_t statement_count;
};

struct database {
	sqlite3 *handle;
	const struct database_form *form;
	sqlite3_stmt **statements;
	int64_t max_pages;
};

/*
 * Opens path, or makes it. database is all zero; database_close() closes it, whatever this returns.
 * 0; -EBADMSG: it is damaged, or has another form; -EBUSY: another process has it; what
 * output_file_private() returns; other negative errno.
 */
int database_open(struct database *database, const char *path, uint64_t bytes,
		  const struct database_form *form);
void database_close(struct database *database);

/* What one of SQLite's result codes means: 0 or negative errno; -EBADMSG: the file is damaged. */
int database_error(const struct database *database, int code);

/* Statements without a result. 0 or negative errno. */
int database_run(struct database *database, const char *text);

/* One of the form's, ready for its parameters. NULL: *ret_err says why. */
sqlite3_stmt *database_statement(struct database *database, size_t which, int *ret_err);

/*
 * Runs one that has no rows, or of which the number in the first is wanted: *ret (may be NULL),
 * which stays as it is if there is none. 0 or negative errno.
 */
int database_step(struct database *database, sqlite3_stmt *statement, int64_t *ret);

/* The same, of the form's, with as many of these numbers as it has parameters. */
int database_step_with(struct database *database, size_t which, int64_t first, int64_t second,
		       int64_t *ret);

#endif
