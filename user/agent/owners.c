/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/owners.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define BLANKS " \t"

static void free_rule(struct owners_rule *rule)
{
	free(rule->text);
	free(rule->glob);
}

/* A name is told as it stands. */
static bool is_clean(const char *name)
{
	_cleanup_free_ char *clean = text_for_terminal(name, strlen(name));

	return clean && !strcmp(clean, name);
}

/* Blanks before the glob are cut off; those in the name and behind it are not for it. */
static int split_rule(const char *text, struct owners_rule *rule)
{
	char *end, *name;

	rule->glob = strdup(text + strspn(text, BLANKS));
	if (!rule->glob)
		return -ENOMEM;
	end = rule->glob + strcspn(rule->glob, BLANKS);
	name = end + strspn(end, BLANKS);
	if (end == rule->glob || !*name || name[strcspn(name, BLANKS)] || !is_clean(name))
		return -EINVAL;
	*end = '\0';
	rule->name = name;
	return 0;
}

int owners_add(struct owners *owners, const char *text)
{
	struct owners_rule rule = {.text = strdup(text)};
	int err = rule.text ? split_rule(text, &rule) : -ENOMEM;

	if (!err)
		err = mem_grow(&owners->rules, &owners->room, owners->count + 1,
			       sizeof(*owners->rules));
	if (err) {
		free_rule(&rule);
		return err;
	}
	owners->rules[owners->count++] = rule;
	return 0;
}

void owners_clear(struct owners *owners)
{
	while (owners->count)
		free_rule(&owners->rules[--owners->count]);
}

void owners_free(struct owners *owners)
{
	owners_clear(owners);
	free(TAKE_PTR(owners->rules));
	owners->room = 0;
}

const char *owners_of_file(const struct owners *owners, const char *file)
{
	for (size_t i = owners->count; i--;)
		if (!fnmatch(owners->rules[i].glob, file, 0))
			return owners->rules[i].name;
	return NULL;
}

const char *owners_of_finding(const struct owners *owners, const struct finding_view *view)
{
	const struct finding *f = view->finding;
	bool closed = f->culprit == CULPRIT_CLOSED;
	const struct stack *stack = closed ? view->closed : view->bad;
	const struct stack_frame *frame;

	if (site_finalizer(closed ? &f->closed : &f->bad))
		stack = view->opened;
	frame = stack_user_frame(stack);
	return frame ? owners_of_file(owners, frame->file) : NULL;
}
