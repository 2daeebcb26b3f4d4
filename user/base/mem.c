/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void mem_free_ptr(void *p)
{
	free(*(void **)p);
}

int close_fd(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

void mem_close_fd(int *fd)
{
	*fd = close_fd(*fd);
}

void mem_fclose_ptr(FILE **f)
{
	if (*f)
		fclose(*f);
}

int mem_grow(void *list, size_t *room, size_t count, size_t item_size)
{
	void *old, *grown;
	size_t size;

	if (count <= *room)
		return 0;
	if (__builtin_mul_overflow(count, 2 * item_size, &size))
		return -ENOMEM;
	memcpy(&old, list, sizeof(old));
	grown = realloc(old, size);
	if (!grown)
		return -ENOMEM;
	memcpy(list, &grown, sizeof(grown));
	*room = 2 * count;
	return 0;
}

char *mem_dup_text(const void *bytes, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return NULL;
	if (size)
		memcpy(text, bytes, size);
	text[size] = '\0';
	return text;
}
