/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Correct: closes what /proc/self/fd lists, and nothing else.
 */
#include <dirent.h>
#include <fcntl.h>

#include "sim.h"

int main(void)
{
	struct dirent *entry;
	DIR *folder;

	wait_for_tracer();
	for (int i = 0; i < 20; i++)
		open("/dev/null", O_RDONLY);
	folder = opendir("/proc/self/fd");
	while ((entry = readdir(folder))) {
		int fd = atoi(entry->d_name);

		if (fd > 2 && fd != dirfd(folder))
			close(fd);
	}
	closedir(folder);
	return 0;
}
