/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/json/value.h"

#include <stdlib.h>

#include "base/mem.h"
#include "report/format.h"

/* Bugs of a summary; each has two stacks at most. */
#define BUGS_MAX 100

static int set_repeat_text(json_t *object, const char *key, const char *text)
{
	return json_object_set_new(object, key, json_string(text));
}

static int set_seen(json_t *object, int64_t first_ns, int64_t last_ns)
{
	char time[WORD_SIZE];
	int err = set_repeat_text(object, "first_seen", format_time(first_ns, false, time));

	return err | set_repeat_text(object, "last_seen", format_time(last_ns, false, time));
}

json_t *value_update(const struct repeat *repeat)
{
	json_t *object = json_object();
	int err = set_repeat_text(object, "schema", "fdtrace/1");

	err |= set_repeat_text(object, "kind", "update");
	err |= json_object_set_new(object, "id", value_count(repeat->id));
	err |= value_set_cause(object, repeat->caused_by, repeat->perhaps, repeat->or_by);
	err |= set_repeat_text(object, "bug", repeat->bug->name);
	err |= set_repeat_text(object, "fingerprint", repeat->fingerprint);
	err |= set_repeat_text(object, "finding", finding_kind_name(repeat->kind));
	err |= json_object_set_new(object, "count", value_count(repeat->more + 1));
	if (repeat->folds)
		err |= json_object_set_new(object, "places", value_count(repeat->places));
	err |= set_seen(object, repeat->first_ns, repeat->last_ns);
	return value_whole(object, err);
}

json_t *value_suppressed(const struct suppressed *suppressed)
{
	json_t *object = json_object();
	int err = set_repeat_text(object, "schema", "fdtrace/1");

	err |= set_repeat_text(object, "kind", "suppressed");
	err |= json_object_set_new(object, "count", value_count(suppressed->count));
	err |= set_seen(object, suppressed->first_ns, suppressed->last_ns);
	return value_whole(object, err);
}

static int set_repeat_site(json_t *object, const char *key, const struct fd_site *site,
			   const struct stack *stack, const struct finding_view *view)
{
	if (!site_seen(site))
		return 0;
	return json_object_set_new(object, key, value_site(site, stack, view->wall_offset_ns));
}

/* The culprit alone, or what may be. */
char *value_place_text(const struct finding_view *view)
{
	const struct finding *f = view->finding;
	json_t *object = json_object();
	char *text = NULL;
	int err = object ? 0 : -1;

	if (f->culprit != CULPRIT_CLOSED)
		err |= set_repeat_site(object, "bad", &f->bad, view->bad, view);
	if (f->culprit != CULPRIT_BAD && f->attribution != ATTRIBUTION_OPEN)
		err |= set_repeat_site(object, "closed", &f->closed, view->closed, view);
	if (!err)
		text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

static json_t *bug_value(const struct repeats *repeats, const struct bug *bug)
{
	json_t *object = json_object();
	uint64_t folded = repeats_folded(repeats, bug);
	int err = set_repeat_text(object, "bug", bug->name);

	err |= json_object_set_new(object, "id", value_count(bug->id));
	err |= set_repeat_text(object, "kind", finding_kind_name(bug->kind));
	err |= set_repeat_text(object, "severity", severity_name(bug->severity));
	err |= json_object_set_new(object, "count", value_count(bug->count));
	err |= json_object_set_new(object, "followed", value_count(bug->followed));
	if (folded)
		err |= json_object_set_new(object, "folded", value_count(folded));
	err |= set_seen(object, bug->first_ns, bug->last_ns);
	err |= set_repeat_text(object, "culprit", culprit_name(bug->culprit));
	err |= json_object_set_new(object, "sites", json_loads(bug->line, 0, NULL));
	return value_whole(object, err);
}

json_t *value_bugs(const struct repeats *repeats)
{
	size_t count, told = 0;
	_cleanup_free_ const struct bug **sorted = repeats_sorted(repeats, &count);
	json_t *array = sorted ? json_array() : NULL;
	int err = array ? 0 : -1;

	for (size_t i = 0; !err && i < count && told < BUGS_MAX; i++) {
		if (sorted[i]->severity == SEVERITY_INFO || sorted[i]->either)
			continue;
		err = json_array_append_new(array, bug_value(repeats, sorted[i]));
		told++;
	}
	return value_whole(array, err);
}
