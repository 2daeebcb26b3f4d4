/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/owner_class.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "process/peek.h"
#include "python/class_name.h"
#include "python/owner_layout.h"

static bool read_memory(void *arg, uint64_t address, void *buf, size_t size)
{
	const int *fd = arg;

	return peek_read(*fd, address, buf, size);
}

/* "ssl", of the class at this address. False: it cannot be told. */
static bool find_module(const struct record_owner_type *record, const struct py_layout *layout,
			char *ret, size_t size)
{
	const struct owner_layout *owners = python_owners_of(layout);
	_cleanup_close_ int fd = owners ? peek_open(record->h.tgid) : -1;
	uint64_t dict;

	return fd >= 0 && peek_read(fd, record->type + owners->type_dict, &dict, sizeof(dict)) &&
	       class_module(read_memory, &fd, layout, dict, ret, size);
}

int owner_class_named(const struct record_owner_type *record, const struct py_layout *layout,
		      record_fn feed, void *arg)
{
	_cleanup_free_ struct record_owner_type *named = NULL;
	char module[RECORD_TYPE_NAME_MAX];
	size_t size;

	if (memchr(record->name, '.', record->name_size) ||
	    !find_module(record, layout, module, sizeof(module)))
		return feed(arg, &record->h);
	size = strlen(module) + 1 + record->name_size;
	named = malloc(sizeof(*named) + size);
	if (!named)
		return -ENOMEM;
	*named = *record;
	named->h.size = sizeof(*named) + size;
	named->name_size = size;
	memcpy(named->name, module, strlen(module));
	named->name[strlen(module)] = '.';
	memcpy(named->name + strlen(module) + 1, record->name, record->name_size);
	return feed(arg, &named->h);
}
