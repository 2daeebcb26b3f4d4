/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which processes the agent follows.
 *
 * A rule is one or more conditions FIELD:PATTERN with blanks between them, all of which hold:
 *
 *	exe:GLOB	the executable's path, or where GLOB has no slash its last component
 *	unit:GLOB	the systemd unit
 *	cgroup:GLOB	the path of the cgroup
 *	container:GLOB	the container's id, 64 hex digits
 *	pod:GLOB	the Kubernetes pod's UID
 *	user:NAME	the effective user, by name or number
 *
 * A process is followed if one of the rules to include it holds and none to exclude it.
 *
 * Owns: the rules, and which of them have named a process. GLOB is fnmatch(3)'s, in which * passes
 *slashes, too. Never: reads /proc; but a user's name is looked up when its rule is made.
 */
#ifndef FDTRACE_AGENT_SCOPE_H
#define FDTRACE_AGENT_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scope_list { SCOPE_INCLUDE, SCOPE_EXCLUDE, SCOPE_LISTS };

struct scope_rule {
	char *text; /* as it was written */
	struct scope_condition *conditions;
	size_t count;
	bool used; /* it has named a process */
};

struct scope {
	struct {
		struct scope_rule *rules;
		size_t count, room;
	} lists[SCOPE_LISTS];
};

/* What is known of a process; texts are lent, and NULL where that is not known or there is none. */
struct scope_subject {
	const char *exe, *unit, *cgroup, *container, *pod;
	uint32_t uid; /* UINT32_MAX: not known */
};

/* How large an error is, with its NUL. */
#define SCOPE_ERROR_SIZE 256

/* Adds a rule. 0; -EINVAL: it is none, and error says why, a sentence's end; -ENOMEM. */
int scope_add(struct scope *scope, enum scope_list list, const char *text,
	      char error[SCOPE_ERROR_SIZE]);

/* The rules of a list go. */
void scope_clear(struct scope *scope, enum scope_list list);

void scope_free(struct scope *scope);

/* Whether it is followed; noted with the rules that say so. */
bool scope_wants(struct scope *scope, const struct scope_subject *subject);

/* How many rules to include have named no process. */
size_t scope_count_unused(const struct scope *scope);

/* A rule to include of which no process has been, from *index on, which is set to what comes after
 * it. NULL: none. Lent. */
const char *scope_unused(const struct scope *scope, size_t *index);

#endif
