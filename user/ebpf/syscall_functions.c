/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/syscall_functions.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "base/mem.h"

/* Where the function has another name than the call has: arch/.../syscalls/, asm-generic. */
static const struct {
	const char *call, *function;
} renamed[] = {
	{"fstat", "newfstat"},
	{"sendfile", "sendfile64"},
#if defined(__aarch64__)
	{"fadvise64", "fadvise64_64"},
#endif
};

static const char *function_of(const char *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(renamed); i++)
		if (!strcmp(renamed[i].call, call))
			return renamed[i].function;
	return call;
}

#if defined(__x86_64__)
#define COMPAT_PREFIX "__ia32_sys_"

/* Of 32-bit calls those that end what a number was: others are learned at its first close. */
static bool ends_fds(unsigned int nr)
{
	enum call_shape shape = call_shape(syscall_call(nr));

	return shape == SHAPE_CLOSE || shape == SHAPE_CLOSE_RANGE || shape == SHAPE_DUP_ONTO;
}

static void want_compat(struct functions *ret)
{
	for (unsigned int nr = 0; nr < SYSCALLS_MAX && ret->count < SYSCALLS_MAX; nr++) {
		struct function *f = &ret->of[ret->count];

		if (!ends_fds(nr))
			continue;
		*f = (struct function){.nr = nr};
		snprintf(f->name, sizeof(f->name), COMPAT_PREFIX "%s", syscall_name(nr));
		ret->count++;
	}
}
#else
/* Their calls are carried out by the same functions. */
#define COMPAT_PREFIX FUNCTION_PREFIX

static void want_compat(struct functions *ret)
{
}
#endif

/* What to look for, close first: without it there is nothing to do. */
static void wanted(struct functions *ret)
{
	ret->count = 0;
	for (int close_first = 1; close_first >= 0; close_first--) {
		for (unsigned int nr = 0; nr < SYSCALLS_MAX; nr++) {
			bool is_close = syscall_call(nr) == CALL_CLOSE;
			struct function *f = &ret->of[ret->count];

			if (!syscall_concerns_fds(nr) || is_close != close_first)
				continue;
			snprintf(f->name, sizeof(f->name), FUNCTION_PREFIX "%s",
				 function_of(syscall_name(nr)));
			f->nr = nr;
			f->btf_id = 0;
			ret->count++;
		}
	}
	want_compat(ret);
}

static void function_found(struct functions *functions, const char *name, uint32_t id,
			   uint32_t type)
{
	for (size_t i = 0; i < functions->count; i++) {
		struct function *f = &functions->of[i];

		if (f->btf_id || strcmp(f->name, name))
			continue;
		f->btf_id = id;
		f->type = type;
	}
}

/* One pass: there are more than a hundred thousand types, and a search by name is such a pass. */
static void look_through(const struct btf *btf, struct functions *functions)
{
	uint32_t types = btf__type_cnt(btf);

	for (uint32_t id = 1; id < types; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *name;

		if (!btf_is_func(type))
			continue;
		name = btf__name_by_offset(btf, type->name_off);
		if (name && (!strncmp(name, FUNCTION_PREFIX, strlen(FUNCTION_PREFIX)) ||
			     !strncmp(name, COMPAT_PREFIX, strlen(COMPAT_PREFIX))))
			function_found(functions, name, id, type->type);
	}
}

/* Drops those that are not there, and those of a third prototype. */
static void sort_out(struct functions *functions)
{
	uint32_t type = functions->of[0].type;
	size_t kept = 0;

	functions->far = NULL;
	for (size_t i = 0; i < functions->count; i++) {
		struct function *f = &functions->of[kept];

		if (!functions->of[i].btf_id)
			continue;
		*f = functions->of[i];
		if (f->type != type && !functions->far)
			functions->far = f;
		kept += f->type == type || f->type == functions->far->type;
	}
	functions->count = kept;
}

int functions_find(struct functions *ret)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return -errno;
	wanted(ret);
	look_through(btf, ret);
	btf__free(btf);
	sort_out(ret);
	return ret->count && !strcmp(ret->of[0].name, FUNCTION_CLOSE) ? 0 : -ENOENT;
}
