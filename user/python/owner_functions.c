/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/owner_functions.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "python/elf_function.h"
#include "python/elf_image.h"

/* Copies of the names in a file, and pointers to them. A Python has one or two of each. */
#define PLACES_MAX 32

/* sizeof(PyObject); larger than the type has ever been. */
#define BASICSIZE_MIN 16
#define BASICSIZE_MAX 4096

/* Include/cpython/object.h: PyTypeObject, in builds with the GIL. */
enum type_object {
	TYPE_NAME = 24,
	TYPE_BASICSIZE = 32,
	TYPE_ITEMSIZE = 40,
	TYPE_DEALLOC = 48,
	TYPE_FINALIZE = 392,
};

/* Include/object.h: PyType_Spec. */
enum type_spec {
	SPEC_BASICSIZE = 8,
	SPEC_ITEMSIZE = 12,
	SPEC_SLOTS = 24,
};

/* Include/typeslots.h; PyType_Slot is { int slot; void *pfunc; }, ended by slot 0. */
enum type_slots {
	SLOT_FINALIZE = 80,
	SLOT_MAX = 90,
	SLOT_FUNCTION = 8,
	SLOT_SIZE = 16,
	SLOTS_MAX = 100,
};

/* Include/methodobject.h: PyMethodDef. */
enum method_def {
	METHOD_FUNCTION = 8,
	METHOD_SIZE = 32,
};

/*
 * Modules/posixmodule.c, posix_methods[]: the unique name right after os.close's.
 * Modules/_io/iobase.c: every file object's tp_finalize is that of this base.
 */
enum name { NAME_CLOSERANGE, NAME_IOBASE, NAMES };
static const char *const wanted[NAMES] = {"closerange", "_io._IOBase"};

/* Addresses, each with the name that lies there, or is pointed to. */
struct places {
	uint64_t address[PLACES_MAX];
	enum name name[PLACES_MAX];
	size_t count;
};

struct search {
	struct elf_image image;
	struct places names, pointers;
	uint64_t functions[NAMES];
	unsigned int found[NAMES];
};

static int add_place(struct places *places, enum name name, uint64_t address)
{
	for (size_t i = 0; i < places->count; i++) {
		if (places->address[i] == address)
			return 0;
	}
	if (places->count == PLACES_MAX)
		return -ENOTSUP;
	places->address[places->count] = address;
	places->name[places->count++] = name;
	return 0;
}

static int take_name(void *arg, size_t index, uint64_t address)
{
	struct search *search = arg;

	return add_place(&search->names, (enum name)index, address);
}

static int take_pointer(void *arg, size_t index, uint64_t address)
{
	struct search *search = arg;

	return add_place(&search->pointers, search->names.name[index], address);
}

static int find_places(struct search *search)
{
	struct image_needle needles[NAMES];
	bool code;
	int err;

	for (size_t i = 0; i < NAMES; i++)
		needles[i] = (struct image_needle){wanted[i], strlen(wanted[i]) + 1};
	err = image_find_bytes(&search->image, false, needles, NAMES, take_name, search);
	/* Half of a Python is code, with the constants only where an old linker put them there. */
	code = !err && !search->names.count;
	if (code)
		err = image_find_bytes(&search->image, true, needles, NAMES, take_name, search);
	/* Most files are no Python: that shows without a look at their relocations. */
	if (err || !search->names.count)
		return err;
	err = image_load_pointers(&search->image);
	if (err)
		return err;
	return image_find_pointers(&search->image, code, search->names.address, search->names.count,
				   take_pointer, search);
}

/* A pointer in a table; 0: NULL, or not to be had. */
static uint64_t pointer_at(const struct elf_image *image, uint64_t address)
{
	uint64_t value;

	return image_read_pointer(image, address, &value) ? 0 : value;
}

static bool is_code_address(const struct elf_image *image, uint64_t address)
{
	uint64_t offset, size;

	return address && !image_code_offset(image, address, &offset, &size);
}

/* Whether the text at an address is this. */
static bool text_is(const struct elf_image *image, uint64_t address, const char *want)
{
	char text[16];
	size_t size = strlen(want) + 1;

	return size <= sizeof(text) && !image_read(image, address, text, size) &&
	       !memcmp(text, want, size);
}

/* Whether a table of PyType_Slot lies here. */
static bool are_slots(const struct elf_image *image, uint64_t slots)
{
	int32_t slot;

	for (size_t i = 0; i < SLOTS_MAX; i++, slots += SLOT_SIZE) {
		if (image_read(image, slots, &slot, sizeof(slot)) || slot < 0 || slot > SLOT_MAX)
			return false;
		if (!slot)
			return i > 0;
	}
	return false;
}

/* What a slot of a checked table holds; 0: it has no such slot. */
static uint64_t read_slot(const struct elf_image *image, uint64_t slots, unsigned int want)
{
	int32_t slot;

	for (size_t i = 0; i < SLOTS_MAX; i++, slots += SLOT_SIZE) {
		if (image_read(image, slots, &slot, sizeof(slot)) || !slot)
			return 0;
		if (slot == (int32_t)want)
			return pointer_at(image, slots + SLOT_FUNCTION);
	}
	return 0;
}

static bool is_size(uint64_t basicsize)
{
	return basicsize >= BASICSIZE_MIN && basicsize <= BASICSIZE_MAX;
}

/* The slots of the PyType_Spec that begins here, with its name; 0: there is none. */
static uint64_t spec_slots(const struct elf_image *image, uint64_t spec)
{
	int32_t basicsize, itemsize;
	uint64_t slots;

	if (image_read(image, spec + SPEC_BASICSIZE, &basicsize, sizeof(basicsize)) ||
	    image_read(image, spec + SPEC_ITEMSIZE, &itemsize, sizeof(itemsize)) || basicsize < 0 ||
	    !is_size((uint64_t)basicsize) || itemsize)
		return 0;
	slots = pointer_at(image, spec + SPEC_SLOTS);
	return slots && are_slots(image, slots) ? slots : 0;
}

static bool is_type_object(const struct elf_image *image, uint64_t type)
{
	uint64_t basicsize, itemsize;

	return !image_read(image, type + TYPE_BASICSIZE, &basicsize, sizeof(basicsize)) &&
	       !image_read(image, type + TYPE_ITEMSIZE, &itemsize, sizeof(itemsize)) &&
	       is_size(basicsize) && !itemsize &&
	       is_code_address(image, pointer_at(image, type + TYPE_DEALLOC));
}

/* Each name has one function, or is told nothing of. */
static void take_function(struct search *search, enum name name, uint64_t function)
{
	if (!is_code_address(&search->image, function))
		return;
	search->functions[name] = function;
	search->found[name]++;
}

/* Takes os.close, if a PyMethodDef of "closerange" begins here. */
static void take_os_close(struct search *search, uint64_t entry)
{
	const struct elf_image *image = &search->image;

	if (is_code_address(image, pointer_at(image, entry + METHOD_FUNCTION)) &&
	    text_is(image, pointer_at(image, entry - METHOD_SIZE), "close"))
		take_function(search, NAME_CLOSERANGE,
			      pointer_at(image, entry - METHOD_SIZE + METHOD_FUNCTION));
}

/* A pointer to a name begins a PyType_Spec, or lies in a PyTypeObject, or in something else. */
static void take_place(struct search *search, enum name name, uint64_t address)
{
	const struct elf_image *image = &search->image;
	uint64_t slots;

	if (name == NAME_CLOSERANGE) {
		take_os_close(search, address);
		return;
	}
	slots = spec_slots(image, address);
	if (slots)
		take_function(search, name, read_slot(image, slots, SLOT_FINALIZE));
	if (is_type_object(image, address - TYPE_NAME))
		take_function(search, name, pointer_at(image, address - TYPE_NAME + TYPE_FINALIZE));
}

static void offer(const struct search *search, enum name name, struct code_range *ret)
{
	uint64_t size;

	if (search->found[name] != 1 ||
	    elf_function_size(&search->image, search->functions[name], &size))
		return;
	*ret = (struct code_range){search->functions[name], size};
}

int python_owner_functions_find(int fd, struct code_range ret[OWNER_CODES])
{
	struct search search = {0};
	int err;

	err = image_open(fd, &search.image);
	if (err)
		return err;
	err = find_places(&search);
	for (size_t i = 0; i < search.pointers.count && !err; i++)
		take_place(&search, search.pointers.name[i], search.pointers.address[i]);
	if (!err) {
		offer(&search, NAME_CLOSERANGE, &ret[CODE_OS_CLOSE]);
		offer(&search, NAME_IOBASE, &ret[CODE_FINALIZE_IO]);
	}
	image_close(&search.image);
	return err;
}
