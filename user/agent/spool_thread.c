/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/spool_thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define RETRY_NS	UINT64_C(5000000000)
#define READ_ROWS	256
#define SETTLED_AT_ONCE 4096
/* Bytes of rows in one transaction. */
#define BATCH_BYTES	(2u << 20)

/* --- failures ------------------------------------------------------------------------------- */

/* err: 0: it works. With the lock. */
static void set_disk_error(struct spool *spool, int err)
{
	if (err && !spool->err) {
		spool->failures++;
		spool->told = false;
	}
	spool->err = err;
	spool->retry_ns = err ? clock_monotonic_ns() + RETRY_NS : 0;
	/* What waits for the disk waits in memory from now on. */
	if (err && spool->pending)
		spool->tried = spool->next_id - 1;
}

/* With a damaged file goes what nobody has read ahead yet. With the lock. */
static void drop_unread(struct spool *spool)
{
	for (size_t i = 0; i < spool->sink_count; i++) {
		struct spool_sink *sink = &spool->sinks[i];
		uint64_t left = 0;

		for (size_t j = 0; j < sink->window.count; j++)
			left += !sink->window.items[j].row->pending;
		for (struct spool_row *row = spool->pending; row; row = row->next)
			left += (row->sinks & sink->bit) != 0;
		if (sink->stats.waiting > left)
			sink->stats.dropped += sink->stats.waiting - left;
		sink->stats.waiting = left;
		sink->more = false;
		sink->old = sink->old_last;
	}
}

/* The file is damaged. Without the lock; whether there may be a new one. */
static bool set_aside(struct spool *spool)
{
	int err;

	spool_file_close(TAKE_PTR(spool->file));
	err = spool_file_set_aside(spool->path);
	pthread_mutex_lock(&spool->lock);
	drop_unread(spool);
	spool->set_aside += !err;
	spool->file_bytes = 0;
	pthread_mutex_unlock(&spool->lock);
	return !err;
}

/* --- opening -------------------------------------------------------------------------------- */

/* What is in it when it is opened. */
struct contents {
	int64_t last;
	uint64_t waiting[SPOOL_SINKS_MAX];
	uint64_t bytes;
};

static int look_at_contents(struct spool *spool, struct contents *ret)
{
	int err = spool_file_last(spool->file, &ret->last);

	for (size_t i = 0; !err && i < spool->sink_count; i++)
		err = spool_file_count(spool->file, spool->sinks[i].bit, &ret->waiting[i]);
	ret->bytes = spool_file_bytes(spool->file);
	return err;
}

static int try_open(struct spool *spool, struct contents *ret)
{
	int err = spool_file_open(spool->path, spool->bytes, &spool->file);

	if (!err)
		err = look_at_contents(spool, ret);
	if (err)
		spool_file_close(TAKE_PTR(spool->file));
	return err;
}

static void take_contents(struct spool *spool, const struct contents *contents)
{
	for (size_t i = 0; i < spool->sink_count; i++) {
		struct spool_sink *sink = &spool->sinks[i];

		sink->stats.waiting += contents->waiting[i];
		sink->old = 0;
		sink->old_last = contents->waiting[i] ? contents->last : 0;
		if (sink->ahead < contents->last)
			sink->ahead = contents->last;
	}
	if (spool->next_id <= contents->last)
		spool->next_id = contents->last + 1;
	spool->file_bytes = contents->bytes;
}

void spool_open_file(struct spool *spool)
{
	struct contents contents = {0};
	int err = try_open(spool, &contents);

	if (err == -EBADMSG && set_aside(spool))
		err = try_open(spool, &contents);
	pthread_mutex_lock(&spool->lock);
	set_disk_error(spool, err);
	if (!err)
		take_contents(spool, &contents);
	pthread_mutex_unlock(&spool->lock);
}

void spool_replace_file(struct spool *spool)
{
	pthread_mutex_lock(&spool->lock);
	set_disk_error(spool, -EBADMSG);
	pthread_mutex_unlock(&spool->lock);
	if (set_aside(spool))
		spool_open_file(spool);
}

/* --- writing -------------------------------------------------------------------------------- */

/* A transaction, and what it is made of. */
struct transaction {
	struct spool_row *rows[SPOOL_BATCH];
	struct spool_file_row file_rows[SPOOL_BATCH];
	struct spool_settled settled[SETTLED_AT_ONCE];
	struct known_record bugs[SPOOL_BUGS];
	struct spool_batch batch;
};

static void collect_rows(struct spool *spool, struct transaction *transaction)
{
	size_t count = 0, bytes = 0;

	for (struct spool_row *row = spool->pending;
	     row && count < SPOOL_BATCH && bytes < BATCH_BYTES; row = row->next) {
		row->storing = true;
		bytes += row->length;
		transaction->rows[count] = row;
		transaction->file_rows[count++] = (struct spool_file_row){
			row->id, row->sinks, row->refused, row->data, row->length};
	}
	transaction->batch.rows = transaction->file_rows;
	transaction->batch.row_count = count;
}

/* With the lock. */
static void collect_batch(struct spool *spool, struct transaction *transaction)
{
	size_t count =
		spool->settled_count < SETTLED_AT_ONCE ? spool->settled_count : SETTLED_AT_ONCE;

	collect_rows(spool, transaction);
	if (count)
		memcpy(transaction->settled, spool->settled, count * sizeof(*spool->settled));
	transaction->batch.settled = transaction->settled;
	transaction->batch.settled_count = count;
	for (size_t i = 0; i < spool->bug_count; i++)
		transaction->bugs[i] = spool->bugs[i].record;
	transaction->batch.bugs = transaction->bugs;
	transaction->batch.bug_count = spool->bug_count;
}

/* Those behind them move up, and so do the texts that their records point to. */
static void remove_bugs(struct spool *spool, size_t count)
{
	spool->bug_count -= count;
	memmove(spool->bugs, spool->bugs + count, spool->bug_count * sizeof(*spool->bugs));
	for (size_t i = 0; i < spool->bug_count; i++) {
		struct spool_kept_bug *bug = &spool->bugs[i];

		bug->record.key = (struct known_key){bug->service, bug->version, bug->bug};
	}
}

/* It is on the disk. With the lock. */
static void stored(struct spool *spool, const struct transaction *transaction)
{
	const struct spool_batch *batch = &transaction->batch;

	for (size_t i = 0; i < batch->row_count; i++)
		spool_unlink_pending(spool, transaction->rows[i]);
	for (size_t i = 0; batch->row_count && i < spool->sink_count; i++)
		spool->sinks[i].more = true;
	spool->settled_count -= batch->settled_count;
	if (spool->settled_count)
		memmove(spool->settled, spool->settled + batch->settled_count,
			spool->settled_count * sizeof(*spool->settled));
	remove_bugs(spool, batch->bug_count);
	spool->commits++;
	spool->work_ns = spool->pending || spool->settled_count || spool->bug_count
				 ? clock_monotonic_ns()
				 : 0;
}

/* One transaction. With the lock, which it lets go of meanwhile. */
static void write_some(struct spool *spool, struct transaction *transaction)
{
	struct spool_dropped *dropped = NULL;
	uint64_t bytes = 0;
	size_t count = 0;
	int err;

	collect_batch(spool, transaction);
	pthread_mutex_unlock(&spool->lock);
	err = spool_file_store(spool->file, &transaction->batch, &dropped, &count);
	if (!err)
		bytes = spool_file_bytes(spool->file);
	pthread_mutex_lock(&spool->lock);
	for (size_t i = 0; i < transaction->batch.row_count; i++)
		transaction->rows[i]->storing = false;
	for (size_t i = 0; i < count; i++)
		spool_drop(spool, dropped[i].id, dropped[i].sinks);
	free(dropped);
	set_disk_error(spool, err);
	if (!err) {
		stored(spool, transaction);
		spool->file_bytes = bytes;
	}
	if (err != -EBADMSG)
		return;
	pthread_mutex_unlock(&spool->lock);
	spool_replace_file(spool);
	pthread_mutex_lock(&spool->lock);
}

/* --- reading ahead -------------------------------------------------------------------------- */

struct reading {
	struct spool_row *rows[READ_ROWS]; /* of what is not what was put in, without a length */
	size_t count;
};

static int add_read(void *arg, int64_t id, const uint8_t *data, size_t length)
{
	struct reading *reading = arg;
	struct spool_row *row = spool_row_new(id, data, length);

	if (!row)
		return -ENOMEM;
	reading->rows[reading->count++] = row;
	return 0;
}

/* Damaged on the disk: it goes, and is counted. */
static void drop_damaged(struct spool *spool, struct spool_sink *sink, int64_t id)
{
	sink->stats.waiting--;
	sink->stats.dropped++;
	if (mem_grow(&spool->settled, &spool->settled_room, spool->settled_count + 1,
		     sizeof(*spool->settled)))
		return;
	spool->settled[spool->settled_count++] = (struct spool_settled){id, sink->bit, false};
	spool_has_work(spool);
}

/* Reads up to *at, on to last. With the lock, which it lets go of meanwhile. */
static int read_some(struct spool *spool, struct spool_sink *sink, int64_t *at, int64_t last,
		     struct reading *reading)
{
	size_t bytes = SPOOL_WINDOW_FULL - sink->window.bytes;
	int64_t after = *at;
	bool added = true;
	int count;

	reading->count = 0;
	pthread_mutex_unlock(&spool->lock);
	count = spool_file_read(spool->file, sink->bit, after, last, READ_ROWS, bytes, add_read,
				reading);
	pthread_mutex_lock(&spool->lock);
	for (size_t i = 0; i < reading->count; i++) {
		struct spool_row *row = reading->rows[i];

		if (!row->length)
			drop_damaged(spool, sink, row->id);
		else if (added)
			added = spool_window_add(&sink->window, row) != -ENOMEM;
		if (added)
			*at = row->id;
		spool_row_drop(row);
	}
	spool_sink_signal(sink);
	return added ? count : -ENOMEM;
}

/* Rows that no disk takes. With the lock. */
static void hand_on_pending(struct spool *spool, struct spool_sink *sink)
{
	for (struct spool_row *row = spool->pending; row && row->id <= spool->tried;
	     row = row->next) {
		if (row->id <= sink->ahead)
			continue;
		if (spool_window_full(&sink->window, SPOOL_WINDOW_FULL))
			break;
		if (row->sinks & sink->bit && spool_window_add(&sink->window, row) == -ENOMEM) {
			spool_drop(spool, row->id, sink->bit);
			row->sinks &= ~sink->bit;
		}
		sink->ahead = row->id;
	}
	spool_sink_signal(sink);
}

/* What is on the disk goes first. With the lock, as above. */
static int fill_window(struct spool *spool, struct spool_sink *sink, struct reading *reading)
{
	int count = 0;

	while (sink->old < sink->old_last && !spool_window_full(&sink->window, SPOOL_WINDOW_FULL)) {
		count = read_some(spool, sink, &sink->old, sink->old_last, reading);
		if (count < 0)
			return count;
		if (!count)
			sink->old = sink->old_last;
	}
	while (sink->more && !spool_window_full(&sink->window, SPOOL_WINDOW_FULL)) {
		count = read_some(spool, sink, &sink->ahead, INT64_MAX, reading);
		if (count < 0)
			return count;
		sink->more = count;
	}
	return 0;
}

/*
 * The disk cannot be read now: what is unread waits, and what is in memory goes before it. With the
 * lock.
 */
static void read_later(struct spool_sink *sink)
{
	const struct spool *spool = sink->spool;

	if (!sink->more)
		return;
	if (sink->old >= sink->old_last)
		sink->old = sink->ahead;
	sink->old_last = (spool->pending ? spool->pending->id : spool->next_id) - 1;
	sink->more = false;
}

/* With the lock, as above. */
static void fill_all(struct spool *spool, struct reading *reading)
{
	for (size_t i = 0; i < spool->sink_count; i++) {
		struct spool_sink *sink = &spool->sinks[i];
		int err = 0;

		if (!spool_sink_wants(sink))
			continue;
		if (spool->file && spool_wants_read(sink))
			err = fill_window(spool, sink, reading);
		if (err)
			set_disk_error(spool, err);
		if (err && err != -EBADMSG)
			read_later(sink);
		if (spool_wants_pending(sink) && (err || !spool_wants_read(sink)))
			hand_on_pending(spool, sink);
		if (err != -EBADMSG)
			continue;
		pthread_mutex_unlock(&spool->lock);
		spool_replace_file(spool);
		pthread_mutex_lock(&spool->lock);
	}
}

/* --- the thread ----------------------------------------------------------------------------- */

/* No more is waited for. */
static bool is_batch_full(const struct spool *spool)
{
	return spool->pending_count >= SPOOL_BATCH || spool->bug_count == SPOOL_BUGS;
}

static bool has_to_write(const struct spool *spool)
{
	return spool->path && (spool->pending || spool->settled_count || spool->bug_count);
}

/* When there is something to do; UINT64_MAX: nothing. */
static uint64_t due_ns(const struct spool *spool)
{
	uint64_t due = UINT64_MAX;

	if (spool->stop || spool->hurry)
		return 0;
	for (size_t i = 0; i < spool->sink_count; i++) {
		const struct spool_sink *sink = &spool->sinks[i];

		if (!spool_sink_wants(sink))
			continue;
		if (!spool->err || spool_wants_pending(sink))
			return 0;
	}
	if (spool->err && spool->path)
		return spool->retry_ns;
	if (has_to_write(spool))
		due = is_batch_full(spool) ? 0 : spool->work_ns + SPOOL_BATCH_NS;
	return due;
}

static void wait_for_work(struct spool *spool)
{
	for (;;) {
		uint64_t due = due_ns(spool);
		struct timespec until = {.tv_sec = (time_t)(due / 1000000000),
					 .tv_nsec = (long)(due % 1000000000)};

		if (due <= clock_monotonic_ns())
			return;
		if (due == UINT64_MAX)
			pthread_cond_wait(&spool->work, &spool->lock);
		else
			pthread_cond_timedwait(&spool->work, &spool->lock, &until);
	}
}

static bool is_writing_due(const struct spool *spool)
{
	uint64_t now = clock_monotonic_ns();

	if (!has_to_write(spool) || (spool->err && now < spool->retry_ns))
		return false;
	return spool->stop || spool->hurry || spool->err || is_batch_full(spool) ||
	       now >= spool->work_ns + SPOOL_BATCH_NS;
}

static void reopen_file(struct spool *spool)
{
	if (!spool->path || spool->file || clock_monotonic_ns() < spool->retry_ns)
		return;
	pthread_mutex_unlock(&spool->lock);
	spool_open_file(spool);
	pthread_mutex_lock(&spool->lock);
}

/* What the thread needs of memory for itself. */
struct workspace {
	struct transaction transaction;
	struct reading reading;
};

/* What is there goes to the disk, if that takes it. */
static void write_last(struct spool *spool, struct workspace *workspace)
{
	spool->retry_ns = 0;
	reopen_file(spool);
	spool->retry_ns = 0;
	while (spool->file && has_to_write(spool)) {
		write_some(spool, &workspace->transaction);
		if (spool->err)
			return;
	}
}

void *spool_thread_run(void *arg)
{
	struct spool *spool = arg;
	struct workspace *workspace = calloc(1, sizeof(*workspace));

	pthread_mutex_lock(&spool->lock);
	while (workspace && !spool->stop) {
		wait_for_work(spool);
		reopen_file(spool);
		if (spool->file && is_writing_due(spool))
			write_some(spool, &workspace->transaction);
		else if (spool->file && spool->err && clock_monotonic_ns() >= spool->retry_ns)
			set_disk_error(spool, 0);
		fill_all(spool, &workspace->reading);
		if (spool->hurry && (spool->err || !has_to_write(spool))) {
			spool->hurry = false;
			pthread_cond_signal(&spool->end);
		}
	}
	if (workspace)
		write_last(spool, workspace);
	free(workspace);
	spool->ended = true;
	pthread_cond_signal(&spool->end);
	pthread_mutex_unlock(&spool->lock);
	return NULL;
}
