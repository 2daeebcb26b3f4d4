/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/scope.h"

#include <errno.h>
#include <fnmatch.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/amount.h"
#include "base/mem.h"
#include "base/text.h"

#define UID_NONE UINT32_MAX

enum field {
	FIELD_EXE,
	FIELD_UNIT,
	FIELD_CGROUP,
	FIELD_CONTAINER,
	FIELD_POD,
	FIELD_USER,
	FIELDS,
};

static const char *const field_names[FIELDS] = {
	[FIELD_EXE] = "exe",	   [FIELD_UNIT] = "unit",
	[FIELD_CGROUP] = "cgroup", [FIELD_CONTAINER] = "container",
	[FIELD_POD] = "pod",	   [FIELD_USER] = "user",
};

struct scope_condition {
	enum field field;
	char *pattern;
	uint32_t uid; /* of FIELD_USER */
};

static void rule_free(struct scope_rule *rule)
{
	for (size_t i = 0; i < rule->count; i++)
		free(rule->conditions[i].pattern);
	free(TAKE_PTR(rule->conditions));
	free(TAKE_PTR(rule->text));
	rule->count = 0;
}

void scope_clear(struct scope *scope, enum scope_list list)
{
	for (size_t i = 0; i < scope->lists[list].count; i++)
		rule_free(&scope->lists[list].rules[i]);
	scope->lists[list].count = 0;
}

void scope_free(struct scope *scope)
{
	for (int list = 0; list < SCOPE_LISTS; list++) {
		scope_clear(scope, list);
		free(TAKE_PTR(scope->lists[list].rules));
		scope->lists[list].room = 0;
	}
}

static int find_user(const char *name, uint32_t *ret_uid, char error[SCOPE_ERROR_SIZE])
{
	const struct passwd *entry;
	unsigned long number;

	if (amount_number(name, name + strlen(name), UID_NONE - 1, &number)) {
		*ret_uid = number;
		return 0;
	}
	entry = getpwnam(name);
	if (!entry) {
		snprintf(error, SCOPE_ERROR_SIZE, "there is no user %s", name);
		return -EINVAL;
	}
	*ret_uid = entry->pw_uid;
	return 0;
}

static int find_field(const char *text, size_t length, enum field *ret)
{
	for (int i = 0; i < FIELDS; i++) {
		if (strlen(field_names[i]) == length && !memcmp(field_names[i], text, length)) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* One condition; what it has taken is freed with it, whatever this returns. */
static int parse_condition(const char *text, struct scope_condition *ret,
			   char error[SCOPE_ERROR_SIZE])
{
	const char *colon = strchr(text, ':');

	if (!colon || !colon[1] || find_field(text, colon - text, &ret->field)) {
		snprintf(error, SCOPE_ERROR_SIZE,
			 "%s is no condition: exe:, unit:, cgroup:, container:, pod: or user: and "
			 "what it should be",
			 text);
		return -EINVAL;
	}
	ret->pattern = strdup(colon + 1);
	if (!ret->pattern)
		return -ENOMEM;
	return ret->field == FIELD_USER ? find_user(ret->pattern, &ret->uid, error) : 0;
}

static int parse_rule(const char *text, struct scope_rule *ret, char error[SCOPE_ERROR_SIZE])
{
	_cleanup_free_ char *copy = strdup(text);
	char *next = copy, *word;
	size_t room = 0;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (word = strsep(&next, " \t"))) {
		if (!*word)
			continue;
		err = mem_grow(&ret->conditions, &room, ret->count + 1, sizeof(*ret->conditions));
		if (err)
			break;
		ret->conditions[ret->count] = (struct scope_condition){.uid = UID_NONE};
		err = parse_condition(word, &ret->conditions[ret->count++], error);
	}
	if (!err && !ret->count) {
		snprintf(error, SCOPE_ERROR_SIZE, "a rule needs a condition");
		return -EINVAL;
	}
	return err;
}

int scope_add(struct scope *scope, enum scope_list list, const char *text,
	      char error[SCOPE_ERROR_SIZE])
{
	struct scope_rule rule = {.text = strdup(text)};
	int err = rule.text ? parse_rule(text, &rule, error) : -ENOMEM;

	if (!err)
		err = mem_grow(&scope->lists[list].rules, &scope->lists[list].room,
			       scope->lists[list].count + 1, sizeof(rule));
	if (err) {
		rule_free(&rule);
		return err;
	}
	scope->lists[list].rules[scope->lists[list].count++] = rule;
	return 0;
}

static bool glob(const char *pattern, const char *text)
{
	return text && !fnmatch(pattern, text, 0);
}

static bool condition_holds(const struct scope_condition *condition,
			    const struct scope_subject *subject)
{
	const char *pattern = condition->pattern;

	switch (condition->field) {
	case FIELD_EXE:
		return subject->exe &&
		       glob(pattern,
			    strchr(pattern, '/') ? subject->exe : text_basename(subject->exe));
	case FIELD_UNIT:
		return glob(pattern, subject->unit);
	case FIELD_CGROUP:
		return glob(pattern, subject->cgroup);
	case FIELD_CONTAINER:
		return glob(pattern, subject->container);
	case FIELD_POD:
		return glob(pattern, subject->pod);
	case FIELD_USER:
		return subject->uid != UID_NONE && subject->uid == condition->uid;
	case FIELDS:
		break;
	}
	return false;
}

/* Every rule of the list is asked, so that each is noted. */
static bool list_holds(struct scope *scope, enum scope_list list,
		       const struct scope_subject *subject)
{
	bool any = false;

	for (size_t i = 0; i < scope->lists[list].count; i++) {
		struct scope_rule *rule = &scope->lists[list].rules[i];
		bool all = true;

		for (size_t j = 0; all && j < rule->count; j++)
			all = condition_holds(&rule->conditions[j], subject);
		rule->used |= all;
		any |= all;
	}
	return any;
}

bool scope_wants(struct scope *scope, const struct scope_subject *subject)
{
	return !list_holds(scope, SCOPE_EXCLUDE, subject) &&
	       list_holds(scope, SCOPE_INCLUDE, subject);
}

const char *scope_unused(const struct scope *scope, size_t *index)
{
	while (*index < scope->lists[SCOPE_INCLUDE].count) {
		const struct scope_rule *rule = &scope->lists[SCOPE_INCLUDE].rules[(*index)++];

		if (!rule->used)
			return rule->text;
	}
	return NULL;
}

size_t scope_count_unused(const struct scope *scope)
{
	size_t index = 0, count = 0;

	while (scope_unused(scope, &index))
		count++;
	return count;
}
