/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/database.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/output_file.h"

#define STRING(x) #x
#define NUMBER(x) STRING(x)

/* Its own memory is bounded, and no other process may have the file: the log needs no memory that
 * is shared by way of a file. */
static const char settings[] = "PRAGMA page_size=" NUMBER(
	DATABASE_PAGE) "; PRAGMA auto_vacuum=INCREMENTAL;"
		       "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA cache_size=-512;"
		       "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
		       "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		       "PRAGMA journal_size_limit=1048576; PRAGMA wal_autocheckpoint=256;";

/* --- SQLite --------------------------------------------------------------------------------- */

int database_error(const struct database *database, int code)
{
	int system = database->handle ? sqlite3_system_errno(database->handle) : 0;

	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_PROTOCOL:
		return -EACCES;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return system > 0 ? -system : -EIO;
	default:
		/* SQLITE_CORRUPT, SQLITE_NOTADB; or its tables are not those that we make. */
		return -EBADMSG;
	}
}

int database_run(struct database *database, const char *text)
{
	return database_error(database, sqlite3_exec(database->handle, text, NULL, NULL, NULL));
}

sqlite3_stmt *database_statement(struct database *database, size_t which, int *ret_err)
{
	sqlite3_stmt **statement = &database->statements[which];

	*ret_err = 0;
	if (!*statement)
		*ret_err = database_error(
			database,
			sqlite3_prepare_v3(database->handle, database->form->statements[which], -1,
					   SQLITE_PREPARE_PERSISTENT, statement, NULL));
	return *statement;
}

int database_step(struct database *database, sqlite3_stmt *statement, int64_t *ret)
{
	int code = sqlite3_step(statement);

	if (ret && code == SQLITE_ROW)
		*ret = sqlite3_column_int64(statement, 0);
	code = code == SQLITE_ROW || code == SQLITE_DONE ? sqlite3_reset(statement) : code;
	if (code != SQLITE_OK) {
		int err = database_error(database, code);

		sqlite3_reset(statement);
		return err;
	}
	return 0;
}

int database_step_with(struct database *database, size_t which, int64_t first, int64_t second,
		       int64_t *ret)
{
	int err;
	sqlite3_stmt *statement = database_statement(database, which, &err);

	if (!statement)
		return err;
	if (sqlite3_bind_parameter_count(statement) > 0)
		sqlite3_bind_int64(statement, 1, first);
	if (sqlite3_bind_parameter_count(statement) > 1)
		sqlite3_bind_int64(statement, 2, second);
	return database_step(database, statement, ret);
}

/* --- opening -------------------------------------------------------------------------------- */

static int leave_owner(int fd, uid_t uid, gid_t gid)
{
	return 0;
}

static int leave_mode(int fd, mode_t mode)
{
	return 0;
}

/*
 * As root SQLite gives its log to the owner of the database, which is us anyway; and the calls are
 * deadly once privileges have been given up.
 */
static void prepare_sqlite(void)
{
	static bool prepared;
	sqlite3_vfs *vfs;

	if (prepared)
		return;
	prepared = true;
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	vfs = sqlite3_vfs_find(NULL);
	if (!vfs || vfs->iVersion < 3)
		return;
	vfs->xSetSystemCall(vfs, "fchown", (sqlite3_syscall_ptr)leave_owner);
	vfs->xSetSystemCall(vfs, "fchmod", (sqlite3_syscall_ptr)leave_mode);
}

static int read_number(struct database *database, const char *text, int64_t *ret)
{
	sqlite3_stmt *statement;
	int err = database_error(database,
				 sqlite3_prepare_v2(database->handle, text, -1, &statement, NULL));

	if (err)
		return err;
	err = database_step(database, statement, ret);
	sqlite3_finalize(statement);
	return err;
}

/* An empty file becomes ours; another one must be. */
static int check_form(struct database *database)
{
	int64_t tables = 0, application = 0, version = 0;
	int err = read_number(database, "SELECT count(*) FROM sqlite_master", &tables);

	if (!err)
		err = read_number(database, "PRAGMA application_id", &application);
	if (!err)
		err = read_number(database, "PRAGMA user_version", &version);
	if (err)
		return err;
	if (!tables && !application && !version)
		return database_run(database, database->form->schema);
	return application == database->form->application && version == database->form->version
		       ? 0
		       : -EBADMSG;
}

static int set_bounds(struct database *database, uint64_t bytes)
{
	char text[64];

	database->max_pages = (int64_t)(bytes / DATABASE_PAGE);
	snprintf(text, sizeof(text), "PRAGMA max_page_count=%lld", (long long)database->max_pages);
	return database_run(database, text);
}

static int open_handle(struct database *database, const char *path, uint64_t bytes)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX;
	int err = database_error(database, sqlite3_open_v2(path, &database->handle, flags, NULL));

	if (err)
		return err;
	sqlite3_db_config(database->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(database->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	err = database_run(database, settings);
	if (!err)
		err = check_form(database);
	return err ? err : set_bounds(database, bytes);
}

int database_open(struct database *database, const char *path, uint64_t bytes,
		  const struct database_form *form)
{
	_cleanup_free_ char *real = NULL;
	int err = output_file_private(path, &real);

	if (err)
		return err;
	database->form = form;
	database->statements = calloc(form->statement_count, sizeof(*database->statements));
	if (!database->statements)
		return -ENOMEM;
	prepare_sqlite();
	return open_handle(database, real, bytes);
}

void database_close(struct database *database)
{
	for (size_t i = 0; database->statements && i < database->form->statement_count; i++)
		sqlite3_finalize(database->statements[i]);
	free(TAKE_PTR(database->statements));
	sqlite3_close(TAKE_PTR(database->handle));
}
