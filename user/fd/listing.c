/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/listing.h"

#include <fcntl.h>
#include <string.h>

/* Skips the word if it is next. */
static bool skip(const char **at, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*at, word, length))
		return false;
	*at += length;
	return true;
}

static bool skip_pid(const char **at)
{
	size_t digits = strspn(*at, "0123456789");

	*at += digits;
	return digits;
}

/* /dev/fd, or the fd of a process or thread in /proc. Hostile bytes. */
static bool is_listing_path(const char *path)
{
	if (!skip(&path, "/dev/fd")) {
		if (!skip(&path, "/proc/") ||
		    !(skip(&path, "self") || skip(&path, "thread-self") || skip_pid(&path)))
			return false;
		if (skip(&path, "/task/") && !skip_pid(&path))
			return false;
		if (!skip(&path, "/fd"))
			return false;
	}
	return !strcmp(path, "") || !strcmp(path, "/");
}

bool listing_is_closed_again(const struct generation *gen, const struct record_call *call)
{
	const struct fd_site *opened = &gen->opened, *ended = &gen->ended;
	bool by_libc = gen->what.flags & O_NONBLOCK; /* glibc's opendir() */

	if (!gen->what.path || !(gen->what.flags & O_DIRECTORY) || opened->missing != SITE_SEEN ||
	    ended->missing != SITE_SEEN || opened->tid != ended->tid || call->h.tid != ended->tid ||
	    !opened->stack_id)
		return false;
	if (!is_listing_path(gen->what.path))
		return false;
	return opened->stack_id == ended->stack_id || (by_libc && call->point == OWNER_OS_CLOSE);
}
