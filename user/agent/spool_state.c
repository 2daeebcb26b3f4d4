/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/spool_state.h"

#include <unistd.h>

#include <utlist.h>

#include "base/clock.h"

bool spool_in_memory(const struct spool *spool)
{
	return !spool->path || spool->err;
}

void spool_has_work(struct spool *spool)
{
	if (!spool->work_ns)
		spool->work_ns = clock_monotonic_ns();
	pthread_cond_signal(&spool->work);
}

void spool_sink_signal(struct spool_sink *sink)
{
	bool waits = sink->window.waiting;
	uint64_t number = 1;

	if (waits == sink->readable || sink->outbox.fd < 0)
		return;
	if (waits)
		(void)!write(sink->outbox.fd, &number, sizeof(number));
	else
		(void)!read(sink->outbox.fd, &number, sizeof(number));
	sink->readable = waits;
}

void spool_unlink_pending(struct spool *spool, struct spool_row *row)
{
	DL_DELETE(spool->pending, row);
	row->pending = false;
	spool->pending_count--;
	spool->pending_bytes -= row->length;
	spool_row_drop(row);
}

void spool_forget_item(struct spool_sink *sink, struct window_item *item)
{
	if (item)
		spool_row_drop(spool_window_remove(&sink->window, item));
	sink->stats.waiting--;
	spool_sink_signal(sink);
}

void spool_drop(struct spool *spool, int64_t id, uint32_t sinks)
{
	for (size_t i = 0; i < spool->sink_count; i++) {
		struct spool_sink *sink = &spool->sinks[i];
		struct window_item *item = spool_window_find(&sink->window, id);

		if (!(sinks & sink->bit))
			continue;
		/* One that is being delivered may be yet. */
		if (item && item->taken) {
			item->orphan = true;
			continue;
		}
		spool_forget_item(sink, item);
		sink->stats.dropped++;
	}
}

bool spool_wants_pending(const struct spool_sink *sink)
{
	const struct spool *spool = sink->spool;

	return spool_in_memory(spool) && spool->pending && sink->ahead < spool->tried &&
	       sink->ahead < spool->pending->prev->id;
}

bool spool_wants_read(const struct spool_sink *sink)
{
	return sink->spool->path && (sink->more || sink->old < sink->old_last);
}

bool spool_sink_wants(const struct spool_sink *sink)
{
	return !spool_window_full(&sink->window, SPOOL_WINDOW_LOW) &&
	       (spool_wants_read(sink) || spool_wants_pending(sink));
}
