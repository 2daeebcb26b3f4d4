/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/members.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "python/elf_image.h"

/* PyTypeObject.tp_members, Include/cpython/object.h, behind a header of ob_type + 16 bytes. */
#define TYPE_MEMBERS(layout) (240 + (layout)->ob_type - 8)

/* PyMemberDef, Include/descrobject.h: name, type, offset, flags, doc. */
#define MEMBER_SIZE   40
#define MEMBER_OFFSET 16
#define MEMBERS_MAX   64

/* Longer than any of the names below. */
#define NAME_SIZE 16

/* Where the layout has the member of a name; LAYOUT_NONE: it does not care. */
static uint16_t place_of(const struct py_layout *layout, const char *name)
{
	const struct {
		const char *name;
		uint16_t at;
	} known[] = {
		{"co_firstlineno", layout->code_firstlineno},
		{"co_filename", layout->code_filename},
		{layout->version < 0x030b ? "co_name" : "co_qualname", layout->code_name},
		{layout->version < 0x030a ? "co_lnotab" : "co_linetable", layout->code_table},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!strncmp(known[i].name, name, NAME_SIZE))
			return known[i].at;
	}
	return LAYOUT_NONE;
}

/* 1: the list goes on; 0: it has ended. */
static int check_member(const struct elf_image *image, uint64_t member,
			const struct py_layout *layout, unsigned int *told)
{
	uint64_t name_at, offset;
	char name[NAME_SIZE];
	uint16_t expected;
	int err = image_read_pointer(image, member, &name_at);

	if (!err && !name_at)
		return 0;
	if (!err)
		err = image_read(image, name_at, name, sizeof(name));
	if (!err)
		err = image_read(image, member + MEMBER_OFFSET, &offset, sizeof(offset));
	if (err)
		return err;
	expected = place_of(layout, name);
	if (expected == LAYOUT_NONE)
		return 1;
	++*told;
	return offset == expected ? 1 : -ENOTSUP;
}

static int check_members(struct elf_image *image, uint64_t code_type,
			 const struct py_layout *layout, unsigned int *told)
{
	uint64_t members = 0;
	int err = image_load_pointers(image);

	if (!err)
		err = image_read_pointer(image, code_type + TYPE_MEMBERS(layout), &members);
	for (unsigned int i = 0; !err && members && i < MEMBERS_MAX; i++) {
		err = check_member(image, members + i * MEMBER_SIZE, layout, told);
		if (err <= 0)
			break;
		err = 0;
	}
	return err;
}

int python_members_check(int fd, uint64_t code_type, const struct py_layout *layout,
			 unsigned int *ret_told)
{
	struct elf_image image;
	int err = image_open(fd, &image);

	*ret_told = 0;
	if (err)
		return err;
	err = check_members(&image, code_type, layout, ret_told);
	image_close(&image);
	return err;
}
