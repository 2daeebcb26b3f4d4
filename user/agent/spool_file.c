/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/spool_file.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "agent/database.h"
#include "base/mem.h"
#include "base/output_file.h"

/* Of a page, what of a long row surely finds room in it. */
#define PAGE_ROOM 4000
/* Pages that rows leave free, for bugs and what SQLite has of its own. */
#define RESERVED  768
/* Pages that are free and stay in the file; more are given back to the file system. */
#define FREE_KEPT 256
#define DROP_STEP 16 /* rows that go at a time */

#define APPLICATION 0x66647470 /* "fdtp" */
#define VERSION	    1
#define STRING(x)   #x
#define NUMBER(x)   STRING(x)

/* Texts lie apart from what is looked at more often. */
static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE row(id INTEGER PRIMARY KEY AUTOINCREMENT, sinks INTEGER NOT NULL,"
	" refused INTEGER NOT NULL, length INTEGER NOT NULL, checksum INTEGER NOT NULL);"
	"CREATE TABLE data(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
	"CREATE TABLE bug(service TEXT NOT NULL, version TEXT NOT NULL, bug TEXT NOT NULL,"
	" first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, count INTEGER NOT NULL,"
	" told_ns INTEGER NOT NULL, told_count INTEGER NOT NULL,"
	" PRIMARY KEY(service, version, bug)) WITHOUT ROWID;"
	"CREATE INDEX bug_by_last ON bug(last_ns);"
	"PRAGMA application_id=" NUMBER(APPLICATION) "; PRAGMA user_version=" NUMBER(
		VERSION) ";"
			 "COMMIT;";

enum statement {
	ADD_ROW,
	ADD_DATA,
	SETTLE,
	REFUSE,
	DELETE_SETTLED,
	DELETE_ROW,
	DELETE_DATA,
	REFUSED_BEYOND,
	OLDEST,
	READ,
	COUNT,
	LAST,
	ADD_BUG,
	PRUNE_BUGS,
	BUGS,
	PAGES,
	FREE_PAGES,
	STATEMENTS
};

static const char *const texts[STATEMENTS] = {
	[ADD_ROW] = "INSERT INTO row VALUES(?1, ?2, ?3, ?4, ?5)",
	[ADD_DATA] = "INSERT INTO data VALUES(?1, ?2)",
	[SETTLE] = "UPDATE row SET sinks = sinks & ~?2 WHERE id = ?1",
	[REFUSE] = "UPDATE row SET sinks = sinks & ~?2, refused = refused | ?2 WHERE id = ?1",
	[DELETE_SETTLED] = "DELETE FROM row WHERE id = ?1 AND sinks = 0 AND refused = 0",
	[DELETE_ROW] = "DELETE FROM row WHERE id = ?1",
	[DELETE_DATA] = "DELETE FROM data WHERE id = ?1",
	[REFUSED_BEYOND] = "SELECT id FROM row WHERE refused <> 0 AND sinks = 0 ORDER BY id DESC "
			   "LIMIT 1 OFFSET " NUMBER(SPOOL_REFUSED_KEPT),
	[OLDEST] = "SELECT id, sinks FROM row ORDER BY id LIMIT 1",
	[READ] = "SELECT id, bytes, length, checksum FROM row LEFT JOIN data USING(id) "
		 "WHERE id > ?1 AND id <= ?2 AND sinks & ?3 ORDER BY id LIMIT ?4",
	[COUNT] = "SELECT count(*) FROM row WHERE sinks & ?1",
	[LAST] = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'row'",
	[ADD_BUG] = "INSERT INTO bug VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE "
		    "SET first_ns = min(first_ns, excluded.first_ns), last_ns = excluded.last_ns, "
		    "count = excluded.count, told_ns = excluded.told_ns, "
		    "told_count = excluded.told_count",
	[PRUNE_BUGS] = "DELETE FROM bug WHERE (service, version, bug) IN (SELECT service, version, "
		       "bug FROM bug ORDER BY last_ns LIMIT max(0, (SELECT count(*) FROM bug) - "
		       "?1))",
	[BUGS] = "SELECT service, version, bug, first_ns, last_ns, count, told_ns, told_count "
		 "FROM bug ORDER BY last_ns",
	[PAGES] = "PRAGMA page_count",
	[FREE_PAGES] = "PRAGMA freelist_count",
};

static const struct database_form form = {schema, APPLICATION, VERSION, texts, STATEMENTS};

struct spool_file {
	struct database database;
};

/* --- opening -------------------------------------------------------------------------------- */

int spool_file_open(const char *path, uint64_t bytes, struct spool_file **ret_file)
{
	struct spool_file *file = calloc(1, sizeof(*file));
	int err = file ? database_open(&file->database, path, bytes, &form) : -ENOMEM;

	if (err)
		spool_file_close(file);
	else
		*ret_file = file;
	return err;
}

void spool_file_close(struct spool_file *file)
{
	if (!file)
		return;
	database_close(&file->database);
	free(file);
}

static int rename_with(const char *path, const char *log)
{
	char from[PATH_MAX], to[PATH_MAX];

	if ((size_t)snprintf(from, sizeof(from), "%s%s", path, log) >= sizeof(from) ||
	    (size_t)snprintf(to, sizeof(to), "%s.damaged%s", path, log) >= sizeof(to))
		return -ENAMETOOLONG;
	return rename(from, to) ? -errno : 0;
}

int spool_file_set_aside(const char *path)
{
	_cleanup_free_ char *real = NULL;
	int err = output_file_private(path, &real);

	/* Its log first: beside another database it would be taken for that one's. */
	if (!err)
		err = rename_with(real, "-wal");
	return err && err != -ENOENT ? err : rename_with(real, "");
}

/* --- storing -------------------------------------------------------------------------------- */

/* Pages that a row may take at most. */
static int64_t pages_of(size_t length)
{
	return (int64_t)(length / PAGE_ROOM) + 2;
}

/* Pages that rows may take yet. */
static int room_left(struct spool_file *file, int64_t *ret)
{
	int64_t pages = 0, free_pages = 0;
	int err = database_step_with(&file->database, PAGES, 0, 0, &pages);

	if (!err)
		err = database_step_with(&file->database, FREE_PAGES, 0, 0, &free_pages);
	*ret = file->database.max_pages - RESERVED - pages + free_pages;
	return err;
}

static int delete_row(struct spool_file *file, int64_t id)
{
	int err = database_step_with(&file->database, DELETE_ROW, id, 0, NULL);

	return err ? err : database_step_with(&file->database, DELETE_DATA, id, 0, NULL);
}

/* The oldest row. 1: there is none. */
static int drop_oldest(struct spool_file *file, struct spool_dropped *ret)
{
	int err, code;
	sqlite3_stmt *statement = database_statement(&file->database, OLDEST, &err);

	if (!statement)
		return err;
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*ret = (struct spool_dropped){sqlite3_column_int64(statement, 0),
					      (uint32_t)sqlite3_column_int64(statement, 1)};
	err = database_error(&file->database, code);
	sqlite3_reset(statement);
	if (err || code == SQLITE_DONE)
		return err ? err : 1;
	return delete_row(file, ret->id);
}

struct dropped_list {
	struct spool_dropped *all;
	size_t count, room;
};

static int drop_some(struct spool_file *file, struct dropped_list *list)
{
	int err = mem_grow(&list->all, &list->room, list->count + DROP_STEP, sizeof(*list->all));

	for (size_t i = 0; !err && i < DROP_STEP; i++) {
		err = drop_oldest(file, &list->all[list->count]);
		list->count += !err;
	}
	return err;
}

static int make_room(struct spool_file *file, const struct spool_batch *batch,
		     struct dropped_list *list)
{
	int64_t needed = 0, left;
	int err = room_left(file, &left);

	for (size_t i = 0; i < batch->row_count; i++)
		needed += pages_of(batch->rows[i].length);
	while (!err && needed && left < needed) {
		err = drop_some(file, list);
		if (!err)
			err = room_left(file, &left);
	}
	return err > 0 ? 0 : err;
}

static int add_row(struct spool_file *file, const struct spool_file_row *row)
{
	int err;
	sqlite3_stmt *statement = database_statement(&file->database, ADD_ROW, &err);

	if (!statement)
		return err;
	sqlite3_bind_int64(statement, 1, row->id);
	sqlite3_bind_int64(statement, 2, row->sinks);
	sqlite3_bind_int64(statement, 3, row->refused);
	sqlite3_bind_int64(statement, 4, (int64_t)row->length);
	sqlite3_bind_int64(statement, 5, (int64_t)crc32(0, row->data, (uInt)row->length));
	err = database_step(&file->database, statement, NULL);
	statement = err ? NULL : database_statement(&file->database, ADD_DATA, &err);
	if (!statement)
		return err;
	sqlite3_bind_int64(statement, 1, row->id);
	sqlite3_bind_blob64(statement, 2, row->data, row->length, SQLITE_STATIC);
	err = database_step(&file->database, statement, NULL);
	sqlite3_clear_bindings(statement);
	return err;
}

static int settle_row(struct spool_file *file, const struct spool_settled *settled)
{
	int err = database_step_with(&file->database, settled->refused ? REFUSE : SETTLE,
				     settled->id, settled->sink, NULL);

	if (!err)
		err = database_step_with(&file->database, DELETE_SETTLED, settled->id, 0, NULL);
	if (!err && sqlite3_changes(file->database.handle))
		err = database_step_with(&file->database, DELETE_DATA, settled->id, 0, NULL);
	return err;
}

static int prune_refused(struct spool_file *file)
{
	int64_t id;
	int err;

	do {
		id = INT64_MIN;
		err = database_step_with(&file->database, REFUSED_BEYOND, 0, 0, &id);
		if (!err && id != INT64_MIN)
			err = delete_row(file, id);
	} while (!err && id != INT64_MIN);
	return err;
}

static int store_bug(struct spool_file *file, const struct known_record *record)
{
	const char *const key[] = {record->key.service, record->key.version, record->key.bug};
	const int64_t numbers[] = {record->first_ns, record->last_ns, (int64_t)record->count,
				   record->told_ns, (int64_t)record->told_count};
	int err, at = 1;
	sqlite3_stmt *statement = database_statement(&file->database, ADD_BUG, &err);

	if (!statement)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(key); i++)
		sqlite3_bind_text(statement, at++, key[i], -1, SQLITE_STATIC);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		sqlite3_bind_int64(statement, at++, numbers[i]);
	err = database_step(&file->database, statement, NULL);
	sqlite3_clear_bindings(statement);
	return err;
}

/* What is free beyond what will be used again goes back to the file system, bit by bit. */
static int shrink(struct spool_file *file)
{
	int64_t free_pages = 0;
	int err = database_step_with(&file->database, FREE_PAGES, 0, 0, &free_pages);

	if (err || free_pages <= FREE_KEPT)
		return err;
	return database_run(&file->database, "PRAGMA incremental_vacuum(" NUMBER(FREE_KEPT) ")");
}

/* Those of rows that were there before, or of those that the batch has put in. */
static int settle_rows(struct spool_file *file, const struct spool_batch *batch, bool new)
{
	int64_t first = batch->row_count ? batch->rows[0].id : INT64_MAX;
	bool refused = false;
	int err = 0;

	for (size_t i = 0; !err && i < batch->settled_count; i++) {
		if ((batch->settled[i].id >= first) != new)
			continue;
		err = settle_row(file, &batch->settled[i]);
		refused |= batch->settled[i].refused;
	}
	return !err && refused ? prune_refused(file) : err;
}

static int store_all(struct spool_file *file, const struct spool_batch *batch,
		     struct dropped_list *list)
{
	int err = settle_rows(file, batch, false);

	if (!err)
		err = make_room(file, batch, list);
	for (size_t i = 0; !err && i < batch->row_count; i++)
		err = add_row(file, &batch->rows[i]);
	if (!err)
		err = settle_rows(file, batch, true);
	for (size_t i = 0; !err && i < batch->bug_count; i++)
		err = store_bug(file, &batch->bugs[i]);
	if (!err && batch->bug_count)
		err = database_step_with(&file->database, PRUNE_BUGS, KNOWN_BUGS_MAX, 0, NULL);
	return err ? err : shrink(file);
}

int spool_file_store(struct spool_file *file, const struct spool_batch *batch,
		     struct spool_dropped **ret_dropped, size_t *ret_count)
{
	struct dropped_list list = {NULL, 0, 0};
	int err = database_run(&file->database, "BEGIN IMMEDIATE");

	if (!err)
		err = store_all(file, batch, &list);
	if (!err)
		err = database_run(&file->database, "COMMIT");
	if (err) {
		if (!sqlite3_get_autocommit(file->database.handle))
			database_run(&file->database, "ROLLBACK");
		free(TAKE_PTR(list.all));
		list.count = 0;
	}
	*ret_dropped = list.all;
	*ret_count = list.count;
	return err;
}

/* --- reading -------------------------------------------------------------------------------- */

static int hand_row(sqlite3_stmt *statement, spool_row_fn fn, void *arg)
{
	const uint8_t *data = sqlite3_column_blob(statement, 1);
	int length = sqlite3_column_bytes(statement, 1);
	bool same = data && length == sqlite3_column_int64(statement, 2) &&
		    (int64_t)crc32(0, data, (uInt)length) == sqlite3_column_int64(statement, 3);

	return fn(arg, sqlite3_column_int64(statement, 0), same ? data : NULL, same ? length : 0);
}

int spool_file_read(struct spool_file *file, uint32_t sink, int64_t after, int64_t last, size_t max,
		    size_t max_bytes, spool_row_fn fn, void *arg)
{
	size_t bytes = 0;
	int err, code, count = 0;
	sqlite3_stmt *statement = database_statement(&file->database, READ, &err);

	if (!statement)
		return err;
	sqlite3_bind_int64(statement, 1, after);
	sqlite3_bind_int64(statement, 2, last);
	sqlite3_bind_int64(statement, 3, sink);
	sqlite3_bind_int64(statement, 4, (int64_t)max);
	while (!err && bytes < max_bytes && (code = sqlite3_step(statement)) != SQLITE_DONE) {
		err = database_error(&file->database, code);
		if (!err)
			err = hand_row(statement, fn, arg);
		bytes += err ? 0 : (size_t)sqlite3_column_bytes(statement, 1);
		count++;
	}
	sqlite3_reset(statement);
	return err ? err : count;
}

int spool_file_count(struct spool_file *file, uint32_t sink, uint64_t *ret)
{
	int64_t count = 0;
	int err = database_step_with(&file->database, COUNT, sink, 0, &count);

	*ret = (uint64_t)count;
	return err;
}

int spool_file_last(struct spool_file *file, int64_t *ret)
{
	*ret = 0;
	return database_step_with(&file->database, LAST, 0, 0, ret);
}

uint64_t spool_file_bytes(struct spool_file *file)
{
	int64_t pages = 0;

	return database_step_with(&file->database, PAGES, 0, 0, &pages)
		       ? 0
		       : (uint64_t)pages * DATABASE_PAGE;
}

static const char *text_of(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? text : "";
}

int spool_file_each_bug(struct spool_file *file, void (*fn)(void *arg, const struct known_record *),
			void *arg)
{
	int err, code;
	sqlite3_stmt *statement = database_statement(&file->database, BUGS, &err);

	if (!statement)
		return err;
	while (!err && (code = sqlite3_step(statement)) != SQLITE_DONE) {
		struct known_record record;

		err = database_error(&file->database, code);
		if (err)
			break;
		record.key = (struct known_key){text_of(statement, 0), text_of(statement, 1),
						text_of(statement, 2)};
		record.first_ns = sqlite3_column_int64(statement, 3);
		record.last_ns = sqlite3_column_int64(statement, 4);
		record.count = (uint64_t)sqlite3_column_int64(statement, 5);
		record.told_ns = sqlite3_column_int64(statement, 6);
		record.told_count = (uint64_t)sqlite3_column_int64(statement, 7);
		fn(arg, &record);
	}
	sqlite3_reset(statement);
	return err;
}
