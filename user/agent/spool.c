/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/spool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utlist.h>

#include "agent/spool_thread.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/output_file.h"

#define STACK_BYTES (256u << 10)

/* --- rows ----------------------------------------------------------------------------------- */

static void drop_pending(struct spool *spool)
{
	struct spool_row *row = spool->pending;

	while (row && row->storing)
		row = row->next;
	if (!row)
		return;
	spool_drop(spool, row->id, row->sinks);
	spool_unlink_pending(spool, row);
}

/* All bits of receivers that there are. */
static uint32_t all_sinks(const struct spool *spool)
{
	return (UINT32_C(1) << spool->sink_count) - 1;
}

static void add_pending(struct spool *spool, struct spool_row *row, uint32_t sinks)
{
	row->id = spool->next_id++;
	row->sinks = sinks;
	row->pending = true;
	DL_APPEND(spool->pending, row);
	spool->pending_count++;
	spool->pending_bytes += row->length;
	while (spool->pending_bytes > SPOOL_PENDING_MAX && spool->pending != row)
		drop_pending(spool);
	if (spool_in_memory(spool))
		spool->tried = row->id;
	spool_has_work(spool);
}

void spool_put(struct spool *spool, const uint8_t *data, size_t length, uint32_t sinks)
{
	struct spool_row *row;

	sinks &= all_sinks(spool);
	if (!sinks)
		return;
	row = length <= SPOOL_ROW_MAX ? spool_row_new(0, data, length) : NULL;
	pthread_mutex_lock(&spool->lock);
	for (size_t i = 0; i < spool->sink_count; i++) {
		struct spool_sink_stats *stats = &spool->sinks[i].stats;

		if (sinks & spool->sinks[i].bit)
			*(row ? &stats->waiting : &stats->dropped) += 1;
	}
	if (row)
		add_pending(spool, row, sinks);
	spool->too_long += length > SPOOL_ROW_MAX;
	pthread_mutex_unlock(&spool->lock);
}

/* --- outboxes ------------------------------------------------------------------------------- */

static size_t take_rows(struct outbox *outbox, struct outbox_row *ret, size_t max, size_t max_bytes)
{
	struct spool_sink *sink = (struct spool_sink *)outbox;
	struct spool *spool = sink->spool;
	size_t count;

	pthread_mutex_lock(&spool->lock);
	count = spool_window_take(&sink->window, ret, max, max_bytes);
	spool_sink_signal(sink);
	pthread_mutex_unlock(&spool->lock);
	return count;
}

/* On the disk that is said later; of one that is not there yet, at once. */
static void settle_stored(struct spool_sink *sink, struct spool_row *row, bool refused)
{
	struct spool *spool = sink->spool;

	if (row->pending && !row->storing) {
		row->sinks &= ~sink->bit;
		row->refused |= refused ? sink->bit : 0;
		if (!row->sinks && !row->refused)
			spool_unlink_pending(spool, row);
		return;
	}
	/* Without memory, or a file, it is delivered again after a restart. */
	if (!spool->path || mem_grow(&spool->settled, &spool->settled_room,
				     spool->settled_count + 1, sizeof(*spool->settled)))
		return;
	spool->settled[spool->settled_count++] =
		(struct spool_settled){row->id, sink->bit, refused};
	spool_has_work(spool);
}

static void settle_one(struct spool_sink *sink, int64_t id, enum outbox_end end)
{
	struct window_item *item = spool_window_find(&sink->window, id);

	if (!item || !item->taken)
		return;
	if (end == OUTBOX_RETURNED && !item->orphan) {
		spool_window_return(&sink->window, item);
		return;
	}
	if (end == OUTBOX_RETURNED)
		sink->stats.dropped++;
	else
		settle_stored(sink, item->row, end == OUTBOX_REFUSED);
	sink->stats.refused += end == OUTBOX_REFUSED;
	spool_forget_item(sink, item);
}

static void settle_taken(struct outbox *outbox, const int64_t *ids, size_t count,
			 enum outbox_end end)
{
	struct spool_sink *sink = (struct spool_sink *)outbox;
	struct spool *spool = sink->spool;

	pthread_mutex_lock(&spool->lock);
	for (size_t i = 0; i < count; i++)
		settle_one(sink, ids[i], end);
	spool_sink_signal(sink);
	if (spool_sink_wants(sink))
		pthread_cond_signal(&spool->work);
	pthread_mutex_unlock(&spool->lock);
}

struct outbox *spool_outbox(struct spool *spool, size_t sink)
{
	return sink < spool->sink_count ? &spool->sinks[sink].outbox : NULL;
}

/* --- bugs ----------------------------------------------------------------------------------- */

int spool_load_bugs(struct spool *spool, void (*fn)(void *arg, const struct known_record *record),
		    void *arg)
{
	int err = spool->file ? spool_file_each_bug(spool->file, fn, arg) : 0;

	if (err != -EBADMSG)
		return err;
	spool_replace_file(spool);
	return 0;
}

bool spool_takes_bug(struct spool *spool)
{
	bool room;

	pthread_mutex_lock(&spool->lock);
	room = spool->bug_count < SPOOL_BUGS;
	pthread_mutex_unlock(&spool->lock);
	return room;
}

bool spool_keep_bug(struct spool *spool, const struct known_record *record)
{
	struct spool_kept_bug *bug;
	bool room;

	if (!spool->path)
		return true;
	pthread_mutex_lock(&spool->lock);
	room = spool->bug_count < SPOOL_BUGS;
	if (room) {
		bug = &spool->bugs[spool->bug_count++];
		bug->record = *record;
		snprintf(bug->service, sizeof(bug->service), "%s", record->key.service);
		snprintf(bug->version, sizeof(bug->version), "%s", record->key.version);
		snprintf(bug->bug, sizeof(bug->bug), "%s", record->key.bug);
		bug->record.key = (struct known_key){bug->service, bug->version, bug->bug};
		spool_has_work(spool);
	}
	pthread_mutex_unlock(&spool->lock);
	return room;
}

/* --- what is told --------------------------------------------------------------------------- */

void spool_stats(struct spool *spool, struct spool_stats *ret)
{
	pthread_mutex_lock(&spool->lock);
	*ret = (struct spool_stats){
		.sink_count = spool->sink_count,
		.bytes = spool->file_bytes + spool->pending_bytes,
		.too_long = spool->too_long,
		.commits = spool->commits,
		.failures = spool->failures,
		.set_aside = spool->set_aside,
		.has_file = spool->path,
		.works = !spool->err,
	};
	for (size_t i = 0; i < spool->sink_count; i++)
		ret->sinks[i] = spool->sinks[i].stats;
	pthread_mutex_unlock(&spool->lock);
}

static const char *error_text(int err)
{
	switch (err) {
	case -EBUSY:
		return "another process uses it";
	case -EBADMSG:
		return "it is damaged, and cannot be set aside";
	default:
		return output_file_error(err);
	}
}

const char *spool_notice(struct spool *spool)
{
	const char *text = NULL;

	pthread_mutex_lock(&spool->lock);
	if (spool->set_aside_told < spool->set_aside) {
		spool->set_aside_told = spool->set_aside;
		snprintf(spool->notice, sizeof(spool->notice),
			 "the spool %s was damaged, or of another version: it is set aside as "
			 "%s.damaged, with all that was known and waited in it",
			 spool->path, spool->path);
		text = spool->notice;
	} else if (spool->err && !spool->told) {
		spool->told = true;
		snprintf(spool->notice, sizeof(spool->notice), "cannot write to the spool %s: %s",
			 spool->path, error_text(spool->err));
		text = spool->notice;
	}
	pthread_mutex_unlock(&spool->lock);
	return text;
}

/* --- start and end -------------------------------------------------------------------------- */

static void init_sink(struct spool *spool, size_t i)
{
	spool->sinks[i] = (struct spool_sink){
		.outbox = {.take = take_rows,
			   .settle = settle_taken,
			   .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
		.spool = spool,
		.bit = UINT32_C(1) << i,
	};
}

static void free_spool(struct spool *spool)
{
	while (spool->pending)
		spool_unlink_pending(spool, spool->pending);
	for (size_t i = 0; i < spool->sink_count; i++) {
		spool_window_free(&spool->sinks[i].window);
		close_fd(spool->sinks[i].outbox.fd);
	}
	spool_file_close(spool->file);
	free(spool->settled);
	free(spool->path);
	free(spool);
}

static void init_locks(struct spool *spool)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&spool->lock, NULL);
	pthread_cond_init(&spool->work, &attributes);
	pthread_cond_init(&spool->end, &attributes);
	pthread_condattr_destroy(&attributes);
}

int spool_new(const struct spool_options *options, struct spool **ret_spool)
{
	struct spool *spool = calloc(1, sizeof(*spool));

	if (!spool)
		return -ENOMEM;
	spool->bytes = options->bytes;
	spool->sink_count = options->sinks;
	/* Above those of an earlier run, should its file not be readable now. */
	spool->next_id = (int64_t)(clock_real_ns() / 1000);
	init_locks(spool);
	for (size_t i = 0; i < spool->sink_count; i++)
		init_sink(spool, i);
	if (options->path) {
		spool->path = strdup(options->path);
		if (!spool->path) {
			free_spool(spool);
			return -ENOMEM;
		}
		spool_open_file(spool);
	}
	*ret_spool = spool;
	return 0;
}

int spool_start(struct spool *spool)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	int err;

	/* Signals are for the thread that asks for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	err = pthread_create(&spool->thread, &attributes, spool_thread_run, spool);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	spool->started = !err;
	return -err;
}

/* Till *flag is as wanted, which the thread signals. With the lock. Whether it is. */
static bool wait_for_thread(struct spool *spool, const bool *flag, bool wanted, uint64_t wait_ns)
{
	uint64_t until_ns = clock_monotonic_ns() + wait_ns;
	const struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
				       .tv_nsec = (long)(until_ns % 1000000000)};

	pthread_cond_signal(&spool->work);
	while (*flag != wanted && !spool->ended &&
	       !pthread_cond_timedwait(&spool->end, &spool->lock, &until))
		;
	return *flag == wanted;
}

void spool_hurry(struct spool *spool, uint64_t wait_ns)
{
	if (!spool->started)
		return;
	pthread_mutex_lock(&spool->lock);
	spool->hurry = true;
	wait_for_thread(spool, &spool->hurry, false, wait_ns);
	pthread_mutex_unlock(&spool->lock);
}

/* Whether it has ended in time. */
static bool wait_for_end(struct spool *spool, uint64_t wait_ns)
{
	bool ended;

	pthread_mutex_lock(&spool->lock);
	spool->stop = true;
	ended = wait_for_thread(spool, &spool->ended, true, wait_ns);
	pthread_mutex_unlock(&spool->lock);
	return ended;
}

void spool_close(struct spool *spool, uint64_t wait_ns)
{
	if (!spool)
		return;
	/* A thread that is stuck in the disk ends with the process. */
	if (spool->started && !wait_for_end(spool, wait_ns))
		return;
	if (spool->started)
		pthread_join(spool->thread, NULL);
	free_spool(spool);
}
