/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/destructor.h"

#include <errno.h>

#include "python/elf_image.h"

/* PyTypeObject.tp_dealloc, Include/cpython/object.h; free-threaded builds have 16 bytes more. */
#define TYPE_DEALLOC(layout) (48 + (layout)->ob_type - 8)

static int find_destructor(struct elf_image *image, const struct python_runtime *runtime,
			   uint64_t *ret_offset)
{
	uint64_t function;
	int err = image_load_pointers(image);

	if (!err)
		err = image_read_pointer(image, runtime->code_type + TYPE_DEALLOC(&runtime->layout),
					 &function);
	if (err)
		return err;
	*ret_offset = image_probe_offset(image, function);
	return *ret_offset ? 0 : -ENOENT;
}

int python_code_destructor(int fd, const struct python_runtime *runtime, uint64_t *ret_offset)
{
	struct elf_image image;
	int err;

	if (!runtime->code_type)
		return -ENOENT;
	err = image_open(fd, &image);
	if (err)
		return err;
	err = find_destructor(&image, runtime, ret_offset);
	image_close(&image);
	return err;
}
