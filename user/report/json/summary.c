/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/json/value.h"

#include "base/mem.h"
#include "report/format.h"

static int set_count(json_t *object, const char *key, uint64_t n)
{
	return json_object_set_new(object, key, value_count(n));
}

static json_t *findings_value(const struct session_stats *stats)
{
	json_t *object = json_object();
	int err = 0;

	for (int kind = 0; kind < FINDING_KINDS; kind++)
		err |= set_count(object, finding_kind_name(kind), stats->findings[kind]);
	return value_whole(object, err);
}

json_t *value_lost(const uint64_t lost[LOSS_CAUSES])
{
	json_t *object = json_object();
	int err = 0;

	for (int cause = 0; cause < LOSS_CAUSES; cause++)
		err |= set_count(object, format_loss(cause, false), lost[cause]);
	return value_whole(object, err);
}

static json_t *forgotten_value(const struct session_stats *stats)
{
	json_t *object = json_object();
	int err = set_count(object, "descriptors", stats->forgotten);

	err |= set_count(object, "stacks", stats->forgotten_stacks);
	err |= set_count(object, "code_objects", stats->forgotten_codes);
	return value_whole(object, err);
}

static json_t *unseen_value(const struct session_stats *stats)
{
	json_t *array = json_array();
	int err = array ? 0 : -1;

	for (const char *const *line = stats->unseen; line && *line; line++)
		err |= json_array_append_new(array, value_text(*line));
	return value_whole(array, err);
}

json_t *value_summary(const struct session_stats *stats, const struct repeats *repeats)
{
	const struct {
		const char *key;
		uint64_t n;
	} counts[] = {
		{"suspected", stats->suspected},     {"records", stats->records},
		{"processes", stats->processes},     {"processes_seen", stats->processes_seen},
		{"descriptors", stats->descriptors}, {"sweep_closes", stats->sweep_closes},
		{"silent", stats->silent},	     {"stacks_missing", stats->stacks_missing},
	};
	json_t *object = json_object();
	int err;

	err = json_object_set_new(object, "schema", json_string("fdtrace/1"));
	err |= json_object_set_new(object, "kind", json_string("summary"));
	err |= json_object_set_new(object, "duration_ns", value_nano((int64_t)stats->duration_ns));
	err |= json_object_set_new(object, "findings", findings_value(stats));
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		err |= set_count(object, counts[i].key, counts[i].n);
	err |= json_object_set_new(object, "bugs", value_bugs(repeats));
	err |= set_count(object, "bugs_in_all", repeats_bugs(repeats));
	err |= json_object_set_new(object, "lost", value_lost(stats->lost));
	if (stats->forgotten || stats->forgotten_stacks || stats->forgotten_codes)
		err |= json_object_set_new(object, "forgotten", forgotten_value(stats));
	if (stats->hooks)
		err |= json_object_set_new(object, "hooks", value_text(stats->hooks));
	err |= json_object_set_new(object, "unseen", unseen_value(stats));
	return value_whole(object, err);
}
