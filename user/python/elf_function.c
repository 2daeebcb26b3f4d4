/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/elf_function.h"

#include <errno.h>

/* Encodings of pointers (LSB Core, 10.5): the only ones that linkers and compilers use here. */
enum pointer_encoding {
	ENCODED_UDATA4 = 0x03,
	ENCODED_PCREL_SDATA4 = 0x1b,
	ENCODED_DATAREL_SDATA4 = 0x3b,
};

/* No function of a program is larger. */
#define FUNCTION_SIZE_MAX (64u << 20)

/* .eh_frame_hdr: then pairs of a function's begin and of its description, sorted. */
struct unwind_header {
	uint8_t version;
	uint8_t frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
};

/* Both from the header's own address on. */
struct unwind_row {
	int32_t begin, description;
};

/* A frame description entry, as far as every producer lays it out. */
struct description {
	uint32_t length, cie;
	int32_t begin; /* from its own address on */
	uint32_t size;
};

static int read_unwind_header(const struct elf_image *image, struct unwind_header *ret)
{
	int err;

	if (image->unwind.p_filesz < sizeof(*ret))
		return -ENOENT;
	err = image_read(image, image->unwind.p_vaddr, ret, sizeof(*ret));
	if (err)
		return err;
	if (ret->version != 1 || ret->count_encoding != ENCODED_UDATA4 ||
	    ret->frame_encoding != ENCODED_PCREL_SDATA4 ||
	    ret->table_encoding != ENCODED_DATAREL_SDATA4)
		return -ENOENT;
	return ret->count > (image->unwind.p_filesz - sizeof(*ret)) / sizeof(struct unwind_row)
		       ? -EINVAL
		       : 0;
}

static int read_row(const struct elf_image *image, uint32_t index, struct unwind_row *ret)
{
	return image_read(
		image, image->unwind.p_vaddr + sizeof(struct unwind_header) + index * sizeof(*ret),
		ret, sizeof(*ret));
}

/* The row of the function that begins just there. */
static int find_row(const struct elf_image *image, uint32_t count, uint64_t address,
		    struct unwind_row *ret)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int err = read_row(image, middle, ret);
		uint64_t begin;

		if (err)
			return err;
		begin = image->unwind.p_vaddr + (int64_t)ret->begin;
		if (begin == address)
			return 0;
		if (begin < address)
			low = middle + 1;
		else
			high = middle;
	}
	return -ENOENT;
}

int elf_function_size(const struct elf_image *image, uint64_t address, uint64_t *ret)
{
	struct unwind_header header;
	struct unwind_row row;
	struct description fde;
	uint64_t at;
	int err;

	err = read_unwind_header(image, &header);
	if (!err)
		err = find_row(image, header.count, address, &row);
	if (err)
		return err;
	at = image->unwind.p_vaddr + (int64_t)row.description;
	err = image_read(image, at, &fde, sizeof(fde));
	if (err)
		return err;
	/* Were its pointers of another encoding, it would not say what the table says. */
	if (at + 8 + (int64_t)fde.begin != address || !fde.size || fde.size > FUNCTION_SIZE_MAX)
		return -EINVAL;
	*ret = fde.size;
	return 0;
}
