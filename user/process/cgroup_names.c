/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "process/cgroup_names.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define UUID_LENGTH   36
#define STATIC_LENGTH 32

struct component {
	const char *start;
	size_t length;
};

/* Takes the component that ends the path before end; false: there is none. */
static bool take_last(const char *path, const char **end, struct component *ret)
{
	const char *start;

	while (*end > path && (*end)[-1] == '/')
		(*end)--;
	for (start = *end; start > path && start[-1] != '/';)
		start--;
	*ret = (struct component){start, *end - start};
	*end = start;
	return ret->length;
}

static bool component_ends_with(const struct component *component, const char *suffix)
{
	size_t length = strlen(suffix);

	return component->length > length &&
	       !memcmp(component->start + component->length - length, suffix, length);
}

static bool find_unit(const char *path, const char *suffix, char ret[CGROUP_UNIT_SIZE])
{
	const char *end = path + strlen(path);
	struct component component;

	while (take_last(path, &end, &component)) {
		if (!component_ends_with(&component, suffix) ||
		    component.length >= CGROUP_UNIT_SIZE)
			continue;
		memcpy(ret, component.start, component.length);
		ret[component.length] = '\0';
		return true;
	}
	return false;
}

bool cgroup_unit(const char *path, char ret[CGROUP_UNIT_SIZE])
{
	ret[0] = '\0';
	return find_unit(path, ".service", ret) || find_unit(path, ".scope", ret);
}

/* The hyphens of a UUID stand there, as - or _; the rest are hex digits. */
static bool is_uuid(const char *text, size_t length)
{
	if (length != UUID_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen ? text[i] != '-' && text[i] != '_' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return true;
}

static bool is_static(const char *text, size_t length)
{
	if (length != STATIC_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

static bool pod_of(struct component component, char ret[CGROUP_POD_SIZE])
{
	static const char pod[] = "pod", slice[] = ".slice";
	const char *colon = memchr(component.start, ':', component.length), *last = NULL;
	size_t length;

	/* containerd without systemd takes systemd's name for it: SLICE:cri-containerd:ID. */
	if (colon)
		component.length = colon - component.start;
	if (component_ends_with(&component, slice))
		component.length -= strlen(slice);
	/* Of kubepods-besteffort-podUID the last one: "kubepods" has it, too. */
	for (size_t i = 0; i + strlen(pod) < component.length; i++)
		if ((!i || component.start[i - 1] == '-') &&
		    !memcmp(component.start + i, pod, strlen(pod)))
			last = component.start + i + strlen(pod);
	if (!last)
		return false;
	length = component.start + component.length - last;
	if (!is_uuid(last, length) && !is_static(last, length))
		return false;
	for (size_t i = 0; i < length; i++)
		ret[i] = last[i] == '_' ? '-' : last[i];
	ret[length] = '\0';
	return true;
}

bool cgroup_pod(const char *path, char ret[CGROUP_POD_SIZE])
{
	const char *end = path + strlen(path);
	struct component component;

	ret[0] = '\0';
	while (take_last(path, &end, &component))
		if (pod_of(component, ret))
			return true;
	return false;
}

/* What follows prefix in the component, up to suffix, where both are. */
static bool between(const struct component *component, const char *prefix, const char *suffix,
		    struct component *ret)
{
	size_t before = strlen(prefix), after = strlen(suffix);

	if (component->length <= before + after || memcmp(component->start, prefix, before) ||
	    memcmp(component->start + component->length - after, suffix, after))
		return false;
	*ret = (struct component){component->start + before, component->length - before - after};
	return true;
}

bool cgroup_container_name(const char *path, char ret[CGROUP_UNIT_SIZE])
{
	static const char lxc[] = "lxc/";
	const char *end = path + strlen(path);
	struct component component, name;

	ret[0] = '\0';
	while (take_last(path, &end, &component)) {
		bool found = between(&component, "lxc.payload.", "", &name) ||
			     between(&component, "systemd-nspawn@", ".service", &name);

		if (!found && end - path > (ptrdiff_t)strlen(lxc) &&
		    !memcmp(end - strlen(lxc) - 1, "/lxc/", strlen(lxc) + 1)) {
			name = component;
			found = true;
		}
		if (!found || name.length >= CGROUP_UNIT_SIZE)
			continue;
		memcpy(ret, name.start, name.length);
		ret[name.length] = '\0';
		return true;
	}
	return false;
}
