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
	METHODS_MAX = 1024, /* os has some 350 */
};

/*
 * Modules/posixmodule.c, posix_methods[]: the unique name right after os.close's.
 * Modules/_io/iobase.c: every file object's tp_finalize is that of this base.
 * Modules/_io/fileio.c, fileio_methods[]: read, readall, readinto, write, seek.
 * Modules/socketmodule.c, sock_methods[]: recv, recv_into, recvfrom, recvfrom_into, send and
 * others.
 */
enum name { NAME_CLOSERANGE, NAME_IOBASE, NAME_READALL, NAME_RECVFROM_INTO, NAMES };
static const char *const wanted[NAMES] = {"closerange", "_io._IOBase", "readall", "recvfrom_into"};

/* Addresses, each with the name that lies there, or is pointed to. */
struct places {
	uint64_t address[PLACES_MAX];
	enum name name[PLACES_MAX];
	size_t count;
};

struct search {
	struct elf_image image;
	struct places names, pointers;
	uint64_t functions[OWNER_CODES];
	unsigned int found[OWNER_CODES];
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

/* Each code is one function, or nothing is told of it. */
static void take_function(struct search *search, enum owner_code code, uint64_t function)
{
	if (!is_code_address(&search->image, function))
		return;
	search->functions[code] = function;
	search->found[code]++;
}

/* Takes the function of the PyMethodDef that begins here, if it has this name. */
static void take_method(struct search *search, uint64_t entry, const char *name,
			enum owner_code code)
{
	if (text_is(&search->image, pointer_at(&search->image, entry), name))
		take_function(search, code, pointer_at(&search->image, entry + METHOD_FUNCTION));
}

/* Takes os.close, and what follows it in that table, if a PyMethodDef of "closerange" begins here.
 */
static void take_os(struct search *search, uint64_t entry)
{
	const struct elf_image *image = &search->image;

	if (!is_code_address(image, pointer_at(image, entry + METHOD_FUNCTION)) ||
	    !text_is(image, pointer_at(image, entry - METHOD_SIZE), "close"))
		return;
	take_method(search, entry - METHOD_SIZE, "close", CODE_OS_CLOSE);
	for (size_t i = 0; i < METHODS_MAX && pointer_at(image, entry); i++, entry += METHOD_SIZE) {
		take_method(search, entry, "read", CODE_OS_READ);
		take_method(search, entry, "write", CODE_OS_WRITE);
	}
}

/* Takes the methods of FileIO, if its PyMethodDef of "readall" begins here. _io._RawIOBase has the
 * same ones, and no more. */
static void take_file(struct search *search, uint64_t entry)
{
	const struct elf_image *image = &search->image;
	const uint64_t readinto = entry + METHOD_SIZE, write = readinto + METHOD_SIZE;

	if (!text_is(image, pointer_at(image, readinto), "readinto") ||
	    !text_is(image, pointer_at(image, write), "write") ||
	    !text_is(image, pointer_at(image, write + METHOD_SIZE), "seek"))
		return;
	take_method(search, entry - METHOD_SIZE, "read", CODE_FILE_READ);
	take_method(search, entry, "readall", CODE_FILE_READALL);
	take_method(search, readinto, "readinto", CODE_FILE_READINTO);
	take_method(search, write, "write", CODE_FILE_WRITE);
}

/* Takes the methods of socket objects, if their PyMethodDef of "recvfrom_into" begins here. */
static void take_socket(struct search *search, uint64_t entry)
{
	static const struct {
		const char *name;
		enum owner_code code;
	} methods[] = {
		{"recv", CODE_SOCKET_RECV},
		{"recv_into", CODE_SOCKET_RECV_INTO},
		{"recvfrom", CODE_SOCKET_RECVFROM},
		{"recvfrom_into", CODE_SOCKET_RECVFROM_INTO},
		{"send", CODE_SOCKET_SEND},
		{"sendall", CODE_SOCKET_SENDALL},
		{"sendto", CODE_SOCKET_SENDTO},
		{"recvmsg", CODE_SOCKET_RECVMSG},
		{"recvmsg_into", CODE_SOCKET_RECVMSG_INTO},
		{"sendmsg", CODE_SOCKET_SENDMSG},
	};
	const struct elf_image *image = &search->image;

	entry -= 3 * METHOD_SIZE;
	if (!text_is(image, pointer_at(image, entry), "recv"))
		return;
	for (size_t i = 0; i < METHODS_MAX && pointer_at(image, entry); i++, entry += METHOD_SIZE)
		for (size_t j = 0; j < ARRAY_SIZE(methods); j++)
			take_method(search, entry, methods[j].name, methods[j].code);
}

/* A pointer to a name begins a PyType_Spec, or lies in a PyTypeObject, or in something else. */
static void take_place(struct search *search, enum name name, uint64_t address)
{
	const struct elf_image *image = &search->image;
	uint64_t slots;

	if (name == NAME_CLOSERANGE) {
		take_os(search, address);
		return;
	}
	if (name == NAME_READALL) {
		take_file(search, address);
		return;
	}
	if (name == NAME_RECVFROM_INTO) {
		take_socket(search, address);
		return;
	}
	slots = spec_slots(image, address);
	if (slots)
		take_function(search, CODE_FINALIZE_IO, read_slot(image, slots, SLOT_FINALIZE));
	if (is_type_object(image, address - TYPE_NAME))
		take_function(search, CODE_FINALIZE_IO,
			      pointer_at(image, address - TYPE_NAME + TYPE_FINALIZE));
}

static void offer(const struct search *search, enum owner_code code, struct code_range *ret)
{
	uint64_t size;

	if (search->found[code] != 1 ||
	    elf_function_size(&search->image, search->functions[code], &size))
		return;
	*ret = (struct code_range){search->functions[code], size};
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
	for (enum owner_code code = 0; code < OWNER_CODES && !err; code++)
		offer(&search, code, &ret[code]);
	image_close(&search.image);
	return err;
}
