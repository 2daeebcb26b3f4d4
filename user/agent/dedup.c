/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/dedup.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/bucket.h"

#define SUPPRESSED_NS UINT64_C(60000000000)

enum permit { PERMIT_NOT_ASKED, PERMIT_GIVEN, PERMIT_DENIED };

struct dedup {
	struct sink sink; /* what the session has */
	struct sink *sinks[DEDUP_SINKS_MAX];
	size_t sink_count;
	struct known *known;
	struct bucket bucket;
	enum permit permit; /* of the finding that is being handed on */
	uint64_t finding_ns;
	struct suppressed suppressed;	   /* since the outputs were told */
	uint64_t suppressed_ns, counts_ns; /* when they were, CLOCK_BOOTTIME; 0: never */
	uint64_t again_ns;
	const struct attributes *(*resource)(void *arg, const struct finding_view *view);
	void *resource_arg;
	struct dedup_stats stats;
};

/* Each output gets it; the first error. */
#define EACH_OUTPUT(dedup, method, ...)                                                     \
	({                                                                                  \
		int _first = 0;                                                             \
		for (size_t _i = 0; _i < (dedup)->sink_count; _i++) {                       \
			struct sink *_sink = (dedup)->sinks[_i];                            \
			int _err = _sink->method ? _sink->method(_sink, ##__VA_ARGS__) : 0; \
			_first = _first ? _first : _err;                                    \
		}                                                                           \
		_first;                                                                     \
	})

/* Whose bug it is: what the service calls itself, and its version, or else the program. */
static struct known_key whose(const struct dedup *dedup, const struct finding_view *view)
{
	const struct attributes *resource =
		dedup->resource ? dedup->resource(dedup->resource_arg, view) : NULL;
	const char *exe = view->process ? view->process->exe : NULL;
	const char *service = resource ? attributes_text(resource, "service.name") : "";

	if (!*service)
		return (struct known_key){exe ? exe : "", "", view->bug};
	return (struct known_key){service, attributes_text(resource, "service.version"), view->bug};
}

bool dedup_permit(void *arg)
{
	struct dedup *dedup = arg;

	if (dedup->permit == PERMIT_NOT_ASKED)
		dedup->permit = bucket_take(&dedup->bucket, dedup->finding_ns) ? PERMIT_GIVEN
									       : PERMIT_DENIED;
	return dedup->permit == PERMIT_GIVEN;
}

static void count_suppressed(struct dedup *dedup, int64_t time_ns)
{
	dedup->stats.suppressed++;
	if (!dedup->suppressed.count++)
		dedup->suppressed.first_ns = time_ns;
	dedup->suppressed.last_ns = time_ns;
}

static void count_told(struct dedup *dedup, struct known_bug *bug, const struct finding_seen *seen,
		       int64_t time_ns)
{
	if (dedup->permit == PERMIT_DENIED) {
		count_suppressed(dedup, time_ns);
	} else if (dedup->permit == PERMIT_NOT_ASKED) {
		dedup->stats.repeats++;
	} else {
		dedup->stats.told[seen->state]++;
		if (bug)
			known_told(dedup->known, bug, time_ns);
	}
}

static int dedup_finding(struct sink *sink, const struct finding_view *view)
{
	struct dedup *dedup = (struct dedup *)sink;
	int64_t time_ns = (int64_t)view->finding->bad.time_ns + view->wall_offset_ns;
	const struct known_key key = whose(dedup, view);
	struct finding_view told = *view;
	struct finding_seen seen = {0};
	struct known_bug *bug;
	int err;

	bug = known_meet(dedup->known, &key, time_ns, &seen);
	told.seen = bug ? &seen : NULL;
	dedup->permit = PERMIT_NOT_ASKED;
	dedup->finding_ns = view->finding->bad.time_ns;
	err = EACH_OUTPUT(dedup, finding, &told);
	count_told(dedup, bug, &seen, time_ns);
	return err;
}

static int dedup_flush(struct sink *sink)
{
	return EACH_OUTPUT((struct dedup *)sink, flush);
}

static int dedup_end(struct sink *sink, const struct session_stats *stats)
{
	struct dedup *dedup = (struct dedup *)sink;
	int err = dedup_step(dedup, dedup->counts_ns, true), ended = EACH_OUTPUT(dedup, end, stats);

	return err ? err : ended;
}

/* The outputs: what is known stays, and can be saved. */
static void dedup_free_sinks(struct sink *sink)
{
	struct dedup *dedup = (struct dedup *)sink;

	while (dedup->sink_count) {
		struct sink *last = dedup->sinks[--dedup->sink_count];

		if (last->free)
			last->free(last);
	}
}

int dedup_new(const struct dedup_limits *limits, struct dedup **ret_dedup, struct sink **ret_sink)
{
	struct dedup *dedup = calloc(1, sizeof(*dedup));

	if (!dedup)
		return -ENOMEM;
	dedup->known = known_new(&limits->known);
	if (!dedup->known) {
		free(dedup);
		return -ENOMEM;
	}
	dedup->bucket = (struct bucket){limits->per_minute, limits->burst, 0};
	dedup->again_ns = (uint64_t)limits->known.again_ns;
	dedup->resource = limits->resource;
	dedup->resource_arg = limits->arg;
	dedup->sink.finding = dedup_finding;
	dedup->sink.flush = dedup_flush;
	dedup->sink.end = dedup_end;
	dedup->sink.free = dedup_free_sinks;
	*ret_dedup = dedup;
	*ret_sink = &dedup->sink;
	return 0;
}

void dedup_free(struct dedup *dedup)
{
	if (!dedup)
		return;
	known_free(dedup->known);
	free(dedup);
}

int dedup_add_sink(struct dedup *dedup, struct sink *sink)
{
	if (dedup->sink_count == DEDUP_SINKS_MAX)
		return -ENOSPC;
	dedup->sinks[dedup->sink_count++] = sink;
	return 0;
}

struct known *dedup_known(struct dedup *dedup)
{
	return dedup->known;
}

static int pass_suppressed(struct dedup *dedup, uint64_t now_ns)
{
	const struct suppressed suppressed = dedup->suppressed;

	dedup->suppressed = (struct suppressed){0};
	dedup->suppressed_ns = now_ns;
	return EACH_OUTPUT(dedup, suppressed, &suppressed);
}

int dedup_step(struct dedup *dedup, uint64_t now_ns, bool all)
{
	int err = 0;

	if (!dedup->counts_ns)
		dedup->counts_ns = now_ns;
	if (now_ns - dedup->counts_ns >= dedup->again_ns) {
		dedup->counts_ns = now_ns;
		err = EACH_OUTPUT(dedup, counts);
	}
	if (!err && dedup->suppressed.count &&
	    (all || now_ns - dedup->suppressed_ns >= SUPPRESSED_NS))
		err = pass_suppressed(dedup, now_ns);
	return err;
}

void dedup_stats(const struct dedup *dedup, struct dedup_stats *ret)
{
	*ret = dedup->stats;
}
