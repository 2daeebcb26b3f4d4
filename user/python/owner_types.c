/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/owner_types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/*
 * PyTypeObject, the same from 3.6 to 3.15: Include/cpython/object.h (3.6: Include/object.h),
 * struct _typeobject; in free-threaded builds its header is so much longer.
 */
#define TP_NAME	     24
#define TP_BASICSIZE 32
#define TP_FLAGS     168
#define TP_BASE	     256

/* Include/object.h. Of a class that can be used; of one that is a metaclass. */
#define FLAG_READY	   (1ull << 12)
#define FLAG_TYPE_SUBCLASS (1ull << 31)

/* An owner has its header and a number; no class has many fields of C. */
#define BASICSIZE_MIN (OBJECT_HEAD + 4)
#define BASICSIZE_MAX (1 << 16)

/* As the kernel side follows tp_base. */
#define DEPTH_MAX 8

#define ADDRESS_BITS 56 /* more than a process has on x86-64 (47, 56) and arm64 (48, 52) */
#define PAGE_MIN     4096

struct entry {
	uint64_t address; /* 0: no entry */
	uint64_t name;
	uint64_t base;
	enum owner_type named; /* what its own name says */
	bool told;	       /* it is among found */
};

/* Open addressing: a power of two of slots, never more than half of them taken. */
struct owner_types {
	uint64_t type_type;
	unsigned int shift; /* how much longer the header is than with a GIL */
	unsigned int ob_type;
	owner_read_fn read;
	void *arg;
	struct entry *slots;
	uint32_t slot_count;
	uint32_t count, max;
	bool base_came; /* an owner's type, of which those that were met before may be derived */
	struct owner_type_found found[OWNER_TYPES_FOUND_MAX];
	size_t found_count;
};

static uint64_t type_word(const uint8_t *bytes, size_t at)
{
	uint64_t word;

	memcpy(&word, bytes + at, sizeof(word));
	return word;
}

static bool is_address(uint64_t value)
{
	return value >= PAGE_MIN && !(value >> ADDRESS_BITS);
}

struct owner_types *owner_types_new(uint64_t type_type, unsigned int ob_type, uint32_t max,
				    owner_read_fn read, void *arg)
{
	struct owner_types *types = calloc(1, sizeof(*types));

	if (!types)
		return NULL;
	*types = (struct owner_types){
		.type_type = type_type,
		.ob_type = ob_type,
		.shift = ob_type + sizeof(uint64_t) - OBJECT_HEAD,
		.max = max,
		.read = read,
		.arg = arg,
		.slot_count = 4096,
	};
	types->slots = calloc(types->slot_count, sizeof(*types->slots));
	if (!types->slots) {
		free(types);
		return NULL;
	}
	return types;
}

void owner_types_free(struct owner_types *types)
{
	if (!types)
		return;
	free(types->slots);
	free(types);
}

unsigned int owner_types_base_at(const struct owner_types *types)
{
	return TP_BASE + types->shift;
}

uint32_t owner_types_count(const struct owner_types *types)
{
	return types->count;
}

/* Its entry, or the free slot where it would be. */
static struct entry *find_type_slot(struct entry *slots, uint32_t slot_count, uint64_t address)
{
	/* Fibonacci hashing: the high bits of the product depend on all of the address. */
	uint32_t at = (address * 0x9e3779b97f4a7c15u) >> 32;

	for (;; at++) {
		struct entry *slot = &slots[at & (slot_count - 1)];

		if (!slot->address || slot->address == address)
			return slot;
	}
}

static const struct entry *find_entry(const struct owner_types *types, uint64_t address)
{
	const struct entry *slot =
		address ? find_type_slot(types->slots, types->slot_count, address) : NULL;

	return slot && slot->address ? slot : NULL;
}

static int grow_type_slots(struct owner_types *types)
{
	uint32_t slot_count = types->slot_count * 2;
	struct entry *slots;

	if (types->count < types->slot_count / 2)
		return 0;
	slots = calloc(slot_count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < types->slot_count; i++) {
		if (types->slots[i].address)
			*find_type_slot(slots, slot_count, types->slots[i].address) =
				types->slots[i];
	}
	free(types->slots);
	types->slots = slots;
	types->slot_count = slot_count;
	return 0;
}

/* What any class that can be used looks like. */
static bool is_class(const struct owner_types *types, const uint8_t *bytes)
{
	uint64_t flags = type_word(bytes, TP_FLAGS + types->shift);

	return flags & FLAG_READY && !(flags >> 32) &&
	       is_address(type_word(bytes, TP_NAME + types->shift));
}

/* A class whose objects may have a number, and whose base can be asked. */
static bool may_own(const struct owner_types *types, const uint8_t *bytes)
{
	uint64_t size = type_word(bytes, TP_BASICSIZE + types->shift);

	return size >= BASICSIZE_MIN + types->shift && size <= BASICSIZE_MAX &&
	       is_address(type_word(bytes, TP_BASE + types->shift));
}

/* Is its type PyType_Type, or derived from that? */
static bool has_metaclass(const struct owner_types *types, const uint8_t *bytes)
{
	uint64_t type = type_word(bytes, types->ob_type);
	uint8_t meta[OWNER_TYPE_SIZE];

	if (type == types->type_type)
		return true;
	return is_address(type) && !(type % sizeof(uint64_t)) &&
	       types->read(types->arg, type, meta, sizeof(meta)) && is_class(types, meta) &&
	       type_word(meta, TP_FLAGS + types->shift) & FLAG_TYPE_SUBCLASS;
}

/* Which owner has this very name? */
static enum owner_type name_owner(const struct owner_types *types, uint64_t address)
{
	static const char *const names[OWNER_TYPES] = {
		[OWNER_FILEIO] = "_io.FileIO",
		[OWNER_SOCKET] = "_socket.socket",
		[OWNER_EPOLL] = "select.epoll",
	};
	char name[sizeof("_socket.socket")] = "";
	size_t in_page = PAGE_MIN - address % PAGE_MIN;

	/* A shorter name may end where the memory does. */
	if (!types->read(types->arg, address, name, sizeof(name)) &&
	    (in_page >= sizeof(name) || !types->read(types->arg, address, name, in_page)))
		return OWNER_NONE;
	for (int kind = OWNER_NONE + 1; kind < OWNER_TYPES; kind++) {
		if (!strncmp(name, names[kind], sizeof(name)))
			return kind;
	}
	return OWNER_NONE;
}

static enum owner_type kind_of_type(const struct owner_types *types, const struct entry *entry)
{
	for (int depth = 0; entry && depth <= DEPTH_MAX; depth++) {
		if (entry->named)
			return entry->named;
		entry = find_entry(types, entry->base);
	}
	return OWNER_NONE;
}

static void add_found_type(struct owner_types *types, struct entry *entry)
{
	enum owner_type kind = kind_of_type(types, entry);

	if (!kind || types->found_count == OWNER_TYPES_FOUND_MAX)
		return;
	types->found[types->found_count++] = (struct owner_type_found){
		.address = entry->address, .name = entry->name, .kind = kind};
	entry->told = true;
	types->base_came = true;
}

int owner_types_offer(struct owner_types *types, uint64_t address,
		      const uint8_t bytes[OWNER_TYPE_SIZE])
{
	struct entry *slot;

	if (!is_address(address) || !is_class(types, bytes) || !may_own(types, bytes) ||
	    find_entry(types, address) || !has_metaclass(types, bytes))
		return 0;
	if (types->count == types->max)
		return -ENOSPC;
	if (grow_type_slots(types))
		return -ENOMEM;
	slot = find_type_slot(types->slots, types->slot_count, address);
	*slot = (struct entry){
		.address = address,
		.name = type_word(bytes, TP_NAME + types->shift),
		.base = type_word(bytes, TP_BASE + types->shift),
	};
	slot->named = name_owner(types, slot->name);
	types->count++;
	add_found_type(types, slot);
	return 0;
}

const struct owner_type_found *owner_types_found(struct owner_types *types, size_t *ret_count)
{
	for (uint32_t i = 0; types->base_came && i < types->slot_count; i++) {
		if (types->slots[i].address && !types->slots[i].told)
			add_found_type(types, &types->slots[i]);
	}
	types->base_came = false;
	*ret_count = types->found_count;
	return types->found;
}
