/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers that a plain Python object keeps, as an int among its attributes, though they are closed.
 *
 * The object whose method opens a number may keep it. When others open the number again, at the end
 * of that call nobody can know it yet: an object that has it just then among its attributes has it
 * from before. From then on the number is watched (watched.bpf.h), and it is told (CALL_KEPT) if a
 * method of that object reads or writes there. A method may be given any number to write to: so no
 * variable of its may have the number, nor lead to who owns it, nor may the object.
 *
 * All of this is a hint: what was kept may have been set anew since, to the same value.
 *
 * Owns: who opened a number last, of some numbers: one has the place of another; and how an
 * object's attributes are read. Never: judges; trusts what it reads.
 */
#ifndef FDTRACE_KEPT_BPF_H
#define FDTRACE_KEPT_BPF_H

#include "owner_closed.bpf.h"
#include "watched.bpf.h"

/* Words of a Python frame: its local variables, then its value stack. */
#define FRAME_WORDS	      64
#define KEPT_NUMBERS	      1024
/* Frames outside of a call whose objects may have ordered it. */
#define KEPT_FRAMES	      24
/* An object's fields, or its attributes, that are looked at. */
#define KEPT_WORDS	      32
/* Of struct _typeobject, from tp_flags on (Include/cpython/object.h). */
#define FLAGS_TO_BASICSIZE    -136
#define FLAGS_TO_DICTOFFSET   120
/* tp_flags (Include/object.h). */
#define TYPE_INLINE_VALUES    (1u << 2) /* 3.13 on: values behind the object */
#define TYPE_MANAGED_DICT     (1u << 4) /* 3.11 on: a dictionary before the object */
#define TYPE_HEAP	      (1u << 9)
#define TYPE_LONG_SUBCLASS    (1u << 24)
#define TYPE_BUILTIN_SUBCLASS 0xff000000u

struct kept_number {
	u64 program;
	u64 keeper; /* an object whose method opened it: its address */
	u64 latest; /* the one that opened it last: that one, unless it is taken */
	u32 tgid;
	s32 fd;
	u32 taken; /* 1: it was opened by others since, while the object had it still */
	u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KEPT_NUMBERS);
	__type(key, u32);
	__type(value, struct kept_number);
} kept_numbers SEC(".maps");

/* Where what is known of the number stands: perhaps that of another one does, now. */
static __always_inline struct kept_number *kept_place(u32 tgid, s32 fd)
{
	u32 at = (fd + tgid * 37) & (KEPT_NUMBERS - 1);

	return bpf_map_lookup_elem(&kept_numbers, &at);
}

static __always_inline bool is_number_of(const struct kept_number *number, const struct walk *w,
					 s32 fd)
{
	return number->program == w->known.program && number->tgid == w->known.tgid &&
	       number->fd == fd;
}

/*
 * Whether this is a living object that a Python class has made. Its type goes into this CPU's look.
 * A global function: verified by itself, and what it reads is on its own stack.
 */
__attribute__((noinline)) int is_plain(u64 object)
{
	const struct py_layout *layout;
	struct walk *w = this_walk();
	struct plain_type *type;
	u64 head[4];
	s64 count;

	if (!w || !is_address(object))
		return 0;
	type = &w->look.plain;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout || !read_user(head, sizeof(head), object))
		return 0;
	if (layout->ob_type == OBJECT_HEAD - 8) {
		count = (s32)head[0];
		type->at = head[1];
	} else {
		count = (head[1] >> 32) + ((s64)head[2] >> 2);
		type->at = head[3];
	}
	return count > 0 && count < 1 << 30 && is_address(type->at) &&
	       read_user(&type->flags, sizeof(type->flags), type->at + layout->type_flags) &&
	       type->flags & TYPE_HEAP && !(type->flags & TYPE_BUILTIN_SUBCLASS) &&
	       read_user(&type->size, sizeof(type->size),
			 type->at + layout->type_flags + FLAGS_TO_BASICSIZE) &&
	       type->size > layout->ob_type && type->size < TYPE_SIZE_MAX;
}

/*
 * Whether an int of this value is at the address (Include/cpython/longintrepr.h). A global
 * function: verified by itself.
 */
__attribute__((noinline)) int is_number(u64 address, s32 value)
{
	const struct py_layout *layout;
	struct walk *w = this_walk();
	u64 type = 0, flags = 0;
	u32 words[3] = {}; /* the count of digits, its sign and some flags; the first digit */

	if (!w || !is_address(address))
		return 0;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout || !read_user(words, sizeof(words), address + layout->ob_type + 8) ||
	    words[2] != (u32)value || words[1])
		return 0;
	if (layout->version < 0x30c ? words[0] != 1 : (words[0] & ~4u) != 8)
		return 0;
	return read_user(&type, sizeof(type), address + layout->ob_type) && is_address(type) &&
	       read_user(&flags, sizeof(flags), type + layout->type_flags) &&
	       flags & TYPE_LONG_SUBCLASS;
}

/* 0: it is not to be read. A global function: verified by itself, and what it reads is on its own
 * stack. */
__attribute__((noinline)) u64 user_word(u64 at)
{
	u64 word = 0;

	read_user(&word, sizeof(word), at);
	return word;
}

/* In place of a number: the object of this CPU's look. */
#define KEPT_OWNER (-1)

/*
 * Whether the word refers to the object of this CPU's look, which owns a number, or to a file
 * around it (Modules/_io/bufferedio.c: buffered, textio.c: textio). A global function: verified by
 * itself.
 */
__attribute__((noinline)) int leads_to_owner(u64 word)
{
	const struct py_layout *layout;
	struct walk *w = this_walk();
	u64 fields[3] = {};

	if (!w || !is_address(word))
		return 0;
	if (word == w->look.claim.object)
		return 1;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout || !read_user(fields, sizeof(fields), word + layout->ob_type + 8))
		return 0;
	return fields[0] == w->look.claim.object ||
	       (is_address(fields[2]) &&
		user_word(fields[2] + layout->ob_type + 8) == w->look.claim.object);
}

/*
 * Whether one of these words refers to the number, or the object: KEPT_OWNER. A global function:
 * verified by itself.
 */
__attribute__((noinline)) int words_hold(u64 from, u32 count, s32 fd)
{
	struct walk *w = this_walk();

	if (!w || !is_address(from) || !count)
		return 0;
	if (count > KEPT_WORDS)
		count = KEPT_WORDS;
	if (!read_user(w->window, count * sizeof(u64), from))
		return 0;
	for (u32 i = 0; i < KEPT_WORDS; i++) {
		/* Free-threaded builds tag some. */
		u64 word = *(u64 *)(w->window + 8 * i) & ~7ull;

		if (i >= count)
			break;
		if (fd == KEPT_OWNER ? leads_to_owner(word) : is_number(word, fd))
			return 1;
	}
	return 0;
}

/*
 * Values of a dictionary that shares its keys with others, or of an object (Objects/dictobject.c:
 * new_values(); Include/internal/pycore_dict.h: struct _dictvalues). How many there is room for
 * says the first byte, before 3.13 the last one of what stands before them, of which 5, 10, 21 and
 * 30 take 8, 16, 24 and 32.
 */
static __always_inline int values_hold(const struct py_layout *layout, u64 values, s32 fd)
{
	u64 room;

	if (layout->version >= 0x30d)
		return words_hold(values + 8, user_word(values) & 0xff, fd);
	room = user_word(values - 8) >> 56;
	return room >= 8 && words_hold(values, room - (room == 16 ? 6 : 3), fd);
}

/*
 * The values of a dictionary that stand beside their keys, behind a head and an index (struct
 * _dictkeysobject). The head has in its second word the size of the index, before 3.11 as such and
 * then, in its second byte, as a power of two; its third byte says whether a hash is with each key.
 */
static __always_inline int keys_hold(const struct py_layout *layout, u64 keys, s32 fd)
{
	u64 sizes = user_word(keys + 8);

	if (layout->version < 0x30b)
		return sizes <= 128 && words_hold(keys + 40 + sizes, 3 * user_word(keys + 32), fd);
	return words_hold(keys + 32 + (1ull << (sizes >> 8 & 15)),
			  user_word(keys + 24) * (sizes >> 16 & 0xff ? 2 : 3), fd);
}

/* Whether the dictionary has it as a value (Include/cpython/dictobject.h: PyDictObject). */
static __always_inline int dict_holds(const struct py_layout *layout, u64 dict, s32 fd)
{
	u64 values;

	if (!is_address(dict))
		return 0;
	values = user_word(dict + layout->ob_type + 32);
	if (!values)
		return keys_hold(layout, user_word(dict + layout->ob_type + 24), fd);
	if (layout->version < 0x30b)
		return words_hold(values, user_word(dict + layout->ob_type + 8), fd);
	return values_hold(layout, values, fd);
}

/*
 * Whether an attribute of the object's refers to the number, apart from its slots: where they are
 * has changed with nearly each version (Objects/dictobject.c, Include/internal/pycore_object.h).
 */
static __always_inline int attributes_hold(const struct py_layout *layout, struct plain_type *type,
					   u64 object, s32 fd)
{
	u64 word;

	if (layout->version < 0x30b) {
		word = user_word(type->at + layout->type_flags + FLAGS_TO_DICTOFFSET);
		return word && word < TYPE_SIZE_MAX &&
		       dict_holds(layout, user_word(object + word), fd);
	}
	if (!(type->flags & TYPE_MANAGED_DICT))
		return 0;
	if (layout->version >= 0x30d && type->flags & TYPE_INLINE_VALUES &&
	    values_hold(layout, object + type->size, fd))
		return 1;
	if (layout->version == 0x30b) {
		word = user_word(object - 32);
		if (word)
			return values_hold(layout, word, fd);
	}
	/* No collector's head is before an object of a free-threaded build. */
	word = user_word(object - (layout->ob_type == OBJECT_HEAD - 8 ? 24 : 8));
	return word & 1 ? values_hold(layout, word + 1, fd) : dict_holds(layout, word, fd);
}

/*
 * Whether this is a living object of a Python class that has the number among its attributes, or
 * the object: KEPT_OWNER. A global function: verified by itself.
 */
__attribute__((noinline)) int object_keeps(u64 object, s32 fd)
{
	const struct py_layout *layout;
	struct walk *w = this_walk();
	u32 head;

	if (!w || !is_plain(object))
		return 0;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout)
		return 0;
	head = layout->ob_type + 8;
	return words_hold(object + head, (w->look.plain.size - head) / 8, fd) ||
	       attributes_hold(layout, &w->look.plain, object, fd);
}

/* The frame's function has arguments. A global function: verified by itself. */
__attribute__((noinline)) int takes_arguments(u64 code)
{
	const struct py_layout *layout;
	struct walk *w = this_walk();
	u32 count = 0;

	if (!w)
		return 0;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	return layout && read_user(&count, sizeof(count), code + layout->code_arguments) && count;
}

/*
 * Whether the object is the first argument of a frame of this walk: then it has a hand in the call.
 * A global function: verified by itself.
 */
__attribute__((noinline)) int is_on_stack(u64 object)
{
	const struct py_layout *layout;
	struct walk *w = this_walk();

	if (!w)
		return 1;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout)
		return 1;
	for (u32 i = 0; i < KEPT_FRAMES; i++) {
		if (i >= w->stack.depth)
			break;
		if ((user_word(w->addresses[i] + layout->frame_local) & ~7ull) == object &&
		    takes_arguments(w->frames[i].code))
			return 1;
	}
	return 0;
}

/*
 * The call of this walk has opened the number, which another object had opened before. True: that
 * one has it still, or may have: the number is watched for it, and it keeps its place.
 */
static __always_inline bool is_taken(struct kept_number *number, u64 opener)
{
	struct claimed_key key = {
		.program = number->program, .tgid = number->tgid, .fd = number->fd};
	const struct target *target = bpf_map_lookup_elem(&targets, &key.tgid);

	if (!target || (number->taken && keeper_of(&key) != number->keeper))
		return false;
	if (number->keeper != opener && !may_look(target))
		return number->taken;
	if (number->keeper != opener && !is_on_stack(number->keeper) &&
	    object_keeps(number->keeper, number->fd)) {
		if (!number->taken)
			watch_kept(target, &key, number->keeper);
		number->taken = 1;
		return true;
	}
	if (number->taken)
		forget_keeper(&key);
	return false;
}

/* As is_taken(). An object that keeps the number no more gives its place to who opened it since. */
static __always_inline bool has_keeper(struct kept_number *number, u64 opener)
{
	if (is_taken(number, opener))
		return true;
	if (number->keeper == number->latest || !is_address(number->latest))
		return false;
	number->keeper = number->latest;
	number->taken = 0;
	return is_taken(number, opener);
}

/*
 * The call of this walk has opened a number that this object, of this walk's program, was not known
 * to have opened last. A global function: verified by itself.
 */
__attribute__((noinline)) int number_made(s32 fd, u64 opener)
{
	struct kept_number *number;
	struct walk *w = this_walk();

	if (!w)
		return 0;
	number = kept_place(w->known.tgid, fd);
	if (!number)
		return 0;
	if (is_number_of(number, w, fd) && has_keeper(number, opener)) {
		number->latest = opener;
		return 0;
	}
	number->program = is_address(opener) ? w->known.program : 0;
	number->keeper = number->latest = opener;
	number->tgid = w->known.tgid;
	number->fd = fd;
	number->taken = 0;
	return 0;
}

/* Which numbers a call makes, by its shape (abi/calls.h). */
enum kept_call {
	MAKES_NONE,
	MAKES_RESULT,
	MAKES_PAIR,
};

#define SHAPE_MAKES_OPEN	RESULT
#define SHAPE_MAKES_MAKE	RESULT
#define SHAPE_MAKES_DUP		RESULT
#define SHAPE_MAKES_DUP_ONTO	RESULT
#define SHAPE_MAKES_PAIR	PAIR
#define SHAPE_MAKES_CLOSE	NONE
#define SHAPE_MAKES_CLOSE_RANGE NONE
#define SHAPE_MAKES_SET_FD	NONE
#define SHAPE_MAKES_UNSHARE	NONE
#define SHAPE_MAKES_OTHER	NONE
#define SHAPE_MAKES_ADDRESS	NONE
#define SHAPE_MAKES_TRANSFER	NONE

#define CALL(ID, number, call, shape, ...)	 DOES(CALL_##ID, SHAPE_MAKES_##shape)
#define PART(ID, number, call, text, shape, ...) DOES(CALL_##ID, SHAPE_MAKES_##shape)
#define USE(...)
#define DOES(id, what)	DOES_(id, what)
#define DOES_(id, what) [id] = MAKES_##what,
const volatile __u8 made_by_call[CALL_IDS] = {CALL_ROWS(CALL, PART, USE)};
#undef DOES
#undef DOES_
#undef CALL
#undef PART
#undef USE

/* Most numbers are made again and again by one object. */
static __always_inline void note_made(s32 fd)
{
	struct walk *w = this_walk();
	struct kept_number *number;

	if (!w || fd < WATCH_FD_FIRST)
		return;
	number = kept_place(w->known.tgid, fd);
	if (number && number->keeper == w->locals[0] && !number->taken &&
	    is_number_of(number, w, fd))
		return;
	number_made(fd, w->locals[0]);
}

/* The call of this record has returned; its stack is that of this CPU's walk, if it has one. */
static __always_inline void note_opener(const struct record_call *r)
{
	u8 makes = made_by_call[r->call & (CALL_IDS - 1)];

	if (!makes || r->ret < 0 || !r->stack_id || r->python == PYTHON_PARENT)
		return;
	if (makes == MAKES_PAIR) {
		note_made(r->fd);
		note_made(r->fd2);
	} else if (r->ret != r->fd) {
		note_made(r->ret);
	}
}

/* Reads words from an address on, up to the end of the page if there is no more. The bytes. */
static __always_inline u32 read_words_at(struct walk *w, u64 from)
{
	u32 bytes = FRAME_WORDS * sizeof(u64);

	if (read_user(w->window, bytes, from))
		return bytes;
	bytes = PAGE - (from & (PAGE - 1));
	if (bytes > FRAME_WORDS * sizeof(u64) || !read_user(w->window, bytes, from))
		return 0;
	return bytes;
}

/* What look_for_number() finds. */
enum word_is {
	WORD_IS_NUMBER = 1,
	WORD_IS_ARGUMENT = 2, /* and what the call was given beside it comes next */
	WORD_IS_OWNER = 4,
};

/*
 * What this word of a Python frame is to the call at hand. size: how many bytes it was to read. A
 * global function: verified by itself.
 */
__attribute__((noinline)) int look_for_number(u64 word, u64 next, s32 fd, s32 size)
{
	if (!is_number(word, fd))
		return leads_to_owner(word) ? WORD_IS_OWNER : 0;
	return holds_buffer(next) || is_number(next, size) ? WORD_IS_NUMBER | WORD_IS_ARGUMENT
							   : WORD_IS_NUMBER;
}

/*
 * Whether the innermost Python frame has the number from an attribute: it stands there as the
 * call's argument, once, and before that as no variable; nor does the object of this CPU's look,
 * which owns the number. A global function: verified by itself.
 */
__attribute__((noinline)) int is_from_attribute(s32 fd, s32 size)
{
	const struct py_layout *layout;
	struct walk *w = this_walk();
	u64 numbers = 0, arguments = 0, owners = 0; /* bits: which words */
	u32 words;

	if (!w)
		return 0;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout)
		return 0;
	words = read_words_at(w, w->addresses[0] + layout->frame_local) / sizeof(u64);
	for (u32 i = 0; i < FRAME_WORDS - 1; i++) {
		const u64 *at = (const u64 *)(w->window + 8 * i);
		u64 found;

		if (i + 1 >= words)
			break;
		found = look_for_number(at[0] & ~7ull, at[1] & ~7ull, fd, size);
		numbers |= (found & 1) << i;
		arguments |= (found >> 1 & 1) << i;
		owners |= (found >> 2 & 1) << i;
	}
	/* What is left behind the argument is of earlier calls. */
	return arguments && arguments == (numbers & -numbers) && !(owners & (arguments - 1));
}

/*
 * Whether the object that keeps the number makes the call of this walk, by a method of its own, and
 * knows nothing of who owns the number: the one that is told of first.
 */
static __always_inline bool is_keeper_at_work(struct walk *w, u64 keeper, s32 fd, s32 size)
{
	w->look.claim.object = w->told[0].object;
	return keeper && w->stack.depth && w->locals[0] == keeper && is_from_attribute(fd, size) &&
	       object_keeps(keeper, fd) && !object_keeps(keeper, KEPT_OWNER);
}

#endif
