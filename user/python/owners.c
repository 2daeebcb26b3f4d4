/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/owners.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "python/elf_image.h"

/* Copies of the names in a file, and pointers to them. A Python has one or two of each. */
#define PLACES_MAX 32

#define POINTS_MAX 4

/* sizeof(PyObject); larger than any of the types has ever been. */
#define BASICSIZE_MIN 16
#define BASICSIZE_MAX 4096

/* Include/cpython/object.h: PyTypeObject, in builds with the GIL. */
enum type_object {
	TYPE_NAME = 24,
	TYPE_BASICSIZE = 32,
	TYPE_ITEMSIZE = 40,
	TYPE_DEALLOC = 48,
	TYPE_METHODS = 232,
	TYPE_INIT = 296,
	TYPE_NEW = 312,
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
	SLOT_DEALLOC = 52,
	SLOT_INIT = 60,
	SLOT_METHODS = 64,
	SLOT_NEW = 65,
	SLOT_FINALIZE = 80,
	SLOT_MAX = 90,
	SLOT_FUNCTION = 8,
	SLOT_SIZE = 16,
	SLOTS_MAX = 100,
};

/* Include/methodobject.h: PyMethodDef, ended by one without a name. */
enum method_def {
	METHOD_FUNCTION = 8,
	METHOD_SIZE = 32,
	METHODS_MAX = 200,
};

/* Where a type has a function: in its type object, in its spec; or the name of a method. */
struct wanted_point {
	enum owner_point point;
	unsigned int field, slot;
	const char *method;
};

#define WANT_INIT                                      \
	{                                              \
		OWNER_INIT, TYPE_INIT, SLOT_INIT, NULL \
	}
#define WANT_NEW                                    \
	{                                           \
		OWNER_NEW, TYPE_NEW, SLOT_NEW, NULL \
	}
#define WANT_FINALIZE                                              \
	{                                                          \
		OWNER_FINALIZE, TYPE_FINALIZE, SLOT_FINALIZE, NULL \
	}
#define WANT_DEALLOC                                            \
	{                                                       \
		OWNER_DEALLOC, TYPE_DEALLOC, SLOT_DEALLOC, NULL \
	}
#define WANT_CLOSE                                               \
	{                                                        \
		OWNER_CLOSE, TYPE_METHODS, SLOT_METHODS, "close" \
	}
#define WANT_DETACH                                                \
	{                                                          \
		OWNER_DETACH, TYPE_METHODS, SLOT_METHODS, "detach" \
	}
#define WANT_WARN                                                       \
	{                                                               \
		OWNER_WARN, TYPE_METHODS, SLOT_METHODS, "_dealloc_warn" \
	}
#define WANT_FROMFD                                                \
	{                                                          \
		OWNER_FROMFD, TYPE_METHODS, SLOT_METHODS, "fromfd" \
	}

/*
 * Modules/_io/fileio.c: its tp_dealloc calls the method close; the finalizers of the objects around
 * it (bufferedio.c, textio.c) call _dealloc_warn before that, if it is still open.
 * Modules/socketmodule.c: so do not socket's, whose tp_finalize closes by itself.
 * Modules/selectmodule.c: epoll has no tp_init.
 */
static const struct wanted_type {
	const char *name;
	struct wanted_point points[POINTS_MAX];
} wanted[OWNER_TYPES] = {
	/* Modules/posixmodule.c, posix_methods[]: the unique name right after os.close's. */
	[OWNER_NONE] = {"closerange", {{0}}},
	[OWNER_FILEIO] = {"_io.FileIO", {WANT_INIT, WANT_CLOSE, WANT_WARN}},
	[OWNER_SOCKET] = {"_socket.socket", {WANT_INIT, WANT_CLOSE, WANT_DETACH, WANT_FINALIZE}},
	[OWNER_EPOLL] = {"select.epoll", {WANT_NEW, WANT_FROMFD, WANT_CLOSE, WANT_DEALLOC}},
};

/* Addresses, each with the type whose name lies there, or is pointed to. */
struct places {
	uint64_t address[PLACES_MAX];
	enum owner_type type[PLACES_MAX];
	size_t count;
};

/* What is known of one type: its functions, and in how many places they were found. */
struct candidate {
	uint64_t functions[POINTS_MAX];
	unsigned int found;
};

struct search {
	struct elf_image image;
	struct places names, pointers;
	struct candidate candidates[OWNER_TYPES];
};

static int add_place(struct places *places, enum owner_type type, uint64_t address)
{
	for (size_t i = 0; i < places->count; i++) {
		if (places->address[i] == address)
			return 0;
	}
	if (places->count == PLACES_MAX)
		return -ENOTSUP;
	places->address[places->count] = address;
	places->type[places->count++] = type;
	return 0;
}

static int take_name(void *arg, size_t index, uint64_t address)
{
	struct search *search = arg;

	return add_place(&search->names, (enum owner_type)index, address);
}

static int take_pointer(void *arg, size_t index, uint64_t address)
{
	struct search *search = arg;

	return add_place(&search->pointers, search->names.type[index], address);
}

static int find_places(struct search *search)
{
	struct image_needle needles[OWNER_TYPES];
	bool code;
	int err;

	for (size_t i = 0; i < OWNER_TYPES; i++)
		needles[i] = (struct image_needle){wanted[i].name, strlen(wanted[i].name) + 1};
	err = image_find_bytes(&search->image, false, needles, OWNER_TYPES, take_name, search);
	/* Half of a Python is code, with the constants only where an old linker put them there. */
	code = !err && !search->names.count;
	if (code)
		err = image_find_bytes(&search->image, true, needles, OWNER_TYPES, take_name,
				       search);
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

static bool is_code(const struct elf_image *image, uint64_t address)
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

/* The function of a method; 0: there is none of this name, or more than one. */
static uint64_t find_method(const struct elf_image *image, uint64_t methods, const char *name)
{
	uint64_t entry = methods, text, function = 0;

	for (size_t i = 0; i < METHODS_MAX; i++, entry += METHOD_SIZE) {
		text = pointer_at(image, entry);
		if (!text)
			return function;
		if (!text_is(image, text, name))
			continue;
		if (function)
			return 0;
		function = pointer_at(image, entry + METHOD_FUNCTION);
	}
	return 0;
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
static uint64_t find_slot(const struct elf_image *image, uint64_t slots, unsigned int want)
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
	       is_code(image, pointer_at(image, type + TYPE_DEALLOC));
}

/* Takes a type whose spec's slots (or else whose type object) these are, if it is complete. */
static void take_type(struct search *search, enum owner_type type, uint64_t slots, uint64_t object)
{
	struct candidate *candidate = &search->candidates[type];
	struct candidate found = {.found = candidate->found + 1};

	for (size_t i = 0; i < POINTS_MAX && wanted[type].points[i].point; i++) {
		const struct wanted_point *point = &wanted[type].points[i];
		uint64_t value = slots ? find_slot(&search->image, slots, point->slot)
				       : pointer_at(&search->image, object + point->field);

		if (point->method)
			value = find_method(&search->image, value, point->method);
		if (!is_code(&search->image, value))
			return;
		found.functions[i] = value;
	}
	*candidate = found;
}

/* Takes os.close, if a PyMethodDef of "closerange" begins here. */
static void take_os_close(struct search *search, uint64_t entry)
{
	struct candidate *candidate = &search->candidates[OWNER_NONE];
	const struct elf_image *image = &search->image;
	uint64_t function = pointer_at(image, entry - METHOD_SIZE + METHOD_FUNCTION);

	if (!is_code(image, pointer_at(image, entry + METHOD_FUNCTION)) ||
	    !is_code(image, function) ||
	    !text_is(image, pointer_at(image, entry - METHOD_SIZE), "close"))
		return;
	candidate->functions[0] = function;
	candidate->found++;
}

/* A pointer to a name begins a PyType_Spec, or lies in a PyTypeObject, or in something else. */
static void take_place(struct search *search, enum owner_type type, uint64_t address)
{
	uint64_t slots;

	if (type == OWNER_NONE) {
		take_os_close(search, address);
		return;
	}
	slots = spec_slots(&search->image, address);
	if (slots)
		take_type(search, type, slots, 0);
	if (is_type_object(&search->image, address - TYPE_NAME))
		take_type(search, type, 0, address - TYPE_NAME);
}

/* Whether another function of any type is this one: the object would be taken for another. */
static bool is_shared(const struct search *search, uint64_t function)
{
	unsigned int uses = 0;

	for (size_t type = 0; type < OWNER_TYPES; type++) {
		for (size_t i = 0; i < POINTS_MAX; i++)
			uses += search->candidates[type].functions[i] == function;
	}
	return uses > 1;
}

static bool is_clear(const struct search *search, const struct candidate *candidate)
{
	for (size_t i = 0; i < POINTS_MAX && candidate->functions[i]; i++) {
		if (is_shared(search, candidate->functions[i]))
			return false;
	}
	return candidate->found == 1;
}

/* Offers all points of one type. 0, or -ENOBUFS. */
static int offer(const struct search *search, enum owner_type type, struct owner_probe *ret,
		 size_t max, size_t *count)
{
	const struct candidate *candidate = &search->candidates[type];

	for (size_t i = 0; i < POINTS_MAX && candidate->functions[i]; i++) {
		if (*count == max)
			return -ENOBUFS;
		ret[(*count)++] = (struct owner_probe){
			.offset = image_probe_offset(&search->image, candidate->functions[i]),
			.point = type ? wanted[type].points[i].point : OWNER_OS_CLOSE,
			.type = type,
		};
	}
	return 0;
}

static int offer_all(const struct search *search, struct owner_probe *ret, size_t max,
		     size_t *ret_count)
{
	size_t count = 0;
	int result = 0;

	for (size_t type = 0; type < OWNER_TYPES; type++) {
		const struct candidate *candidate = &search->candidates[type];

		if (!candidate->found)
			continue;
		if (!is_clear(search, candidate))
			result = -ENOTSUP;
		else if (offer(search, (enum owner_type)type, ret, max, &count))
			return -ENOBUFS;
	}
	*ret_count = count;
	return result;
}

int python_owners_find(int fd, struct owner_probe *ret, size_t max, size_t *ret_count)
{
	struct search search = {0};
	int err;

	*ret_count = 0;
	err = image_open(fd, &search.image);
	if (err)
		return err;
	err = find_places(&search);
	for (size_t i = 0; i < search.pointers.count && !err; i++)
		take_place(&search, search.pointers.type[i], search.pointers.address[i]);
	if (!err)
		err = offer_all(&search, ret, max, ret_count);
	image_close(&search.image);
	return err;
}
