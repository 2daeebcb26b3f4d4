/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The texts of /proc/PID, of which a process chooses names and paths. */
#include "fuzz.h"

#include <errno.h>

#include "process/parse.h"

static void parse_mount(const char *line)
{
	struct proc_mount mount;
	char *copy = strdup(line); /* alone, so that reading beyond its end shows */
	int err;

	must(copy != NULL);
	err = proc_parse_mount(copy, &mount);
	must(err == 0 || err == -EINVAL);
	if (!err)
		must(mount.root[0] == '/' && mount.point[0] == '/' && mount.root > copy &&
		     mount.point > mount.root + strlen(mount.root));
	free(copy);
}

static void parse_maps(char *text)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n"))) {
		struct proc_mapping mapping;
		char *copy = strdup(line);
		int err;

		parse_mount(line);
		must(copy != NULL);
		err = proc_parse_mapping(copy, &mapping);
		must(err == 0 || err == -EINVAL || err == -ENOENT);
		if (!err)
			must(mapping.start < mapping.end && mapping.path[0] == '/' &&
			     mapping.path >= copy && mapping.path <= copy + strlen(copy));
		free(copy);
	}
}

static void parse_cgroup(char *text)
{
	char id[CONTAINER_ID_SIZE];
	const char *path;

	proc_parse_container(text, id);
	must(strlen(id) == 0 || strlen(id) == CONTAINER_ID_SIZE - 1);
	path = proc_parse_cgroup(text, id);
	must(!path || path[0] == '/');
	must(strlen(id) == 0 || strlen(id) == CONTAINER_ID_SIZE - 1);
}

static void parse_link(char *text)
{
	struct fd_what what;

	proc_parse_fd_link(text, &what);
	must(!what.path || strlen(what.path) < SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	unsigned int which = take(&in, 1) % 6;
	char *text = take_text(&in);
	struct proc_status status;
	struct proc_stat stat;
	bool cloexec;

	switch (which) {
	case 0:
		parse_maps(text);
		break;
	case 1:
		parse_cgroup(text);
		break;
	case 2:
		parse_link(text);
		break;
	case 3:
		proc_parse_status(text, &status);
		break;
	case 4:
		proc_parse_stat(text, &stat);
		break;
	case 5:
		proc_parse_fdinfo(text, &cloexec);
		break;
	}
	free(text);
	return 0;
}
