/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/folder.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/heed.h"

static bool fits(const char *name, const char *begin, const char *end)
{
	size_t size = strlen(name), head = strlen(begin), tail = strlen(end);

	return size >= head + tail && name[0] != '.' && !strncmp(name, begin, head) &&
	       !strcmp(name + size - tail, end);
}

void folder_each(const char *folder, const char *begin, const char *end, folder_fn fn, void *arg)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	char path[PATH_MAX];
	int found = 0;

	for (int i = 0; dir && i < FOLDER_ENTRIES_MAX && found < FOLDER_FOUND_MAX; i++) {
		entry = heed() ? NULL : readdir(dir);
		if (!entry)
			break;
		if (!fits(entry->d_name, begin, end) ||
		    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >=
			    (int)sizeof(path))
			continue;
		found++;
		fn(arg, path);
	}
	if (dir)
		closedir(dir);
}
