/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/syscalls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/syscall_numbers.h"

/* Made by the build from syscall_numbers.h: one [__NR_name] = "name" for each system call. */
static const char *const names[] = {
#include "syscall_names.h"
};

_Static_assert(ARRAY_SIZE(names) <= SYSCALLS_MAX, "SYSCALLS_MAX is too small");

#define CALL(ID, number, ...) _Static_assert(number < CALL_IDS, "CALL_IDS is too small");
#define PART		      CALL
#define USE(...)
CALL_ROWS(CALL, PART, USE)
#undef CALL
#undef PART
#undef USE
_Static_assert(NR_MMAP == __NR_mmap && NR_IOCTL == __NR_ioctl && NR_FCNTL == __NR_fcntl &&
		       NR_STATX == __NR_statx,
	       "numbers");
_Static_assert(NR_BPF == __NR_bpf && NR_SOCKET == __NR_socket && NR_ACCEPT == __NR_accept,
	       "numbers");
_Static_assert(NR_SOCKETPAIR == __NR_socketpair && NR_ACCEPT4 == __NR_accept4, "numbers");
_Static_assert(NR_CONNECT == __NR_connect && NR_BIND == __NR_bind && NR_LISTEN == __NR_listen,
	       "numbers");

struct call_info {
	const char *name;
	uint8_t call;	 /* enum call_id */
	uint8_t fd_args; /* see syscall_fd_args() */
	uint8_t owner;	 /* enum owner_call */
};

/* By name, so that one table serves every architecture. Sorted, for bsearch(). */
static const struct call_info calls[] = {
#define CALL(ID, number, call, shape, fds, flags, arg, name, makes, owner, ia32) \
	{#call, CALL_##ID, FDS_CELL_##fds, OWNER_CELL_##owner},
#define PART(...)
#define USE(call, fds, owner, ia32) {#call, 0, FDS_CELL_##fds, OWNER_CELL_##owner},
	CALL_ROWS(CALL, PART, USE)
#undef CALL
#undef PART
#undef USE
};

/* Calls of which a part, as one command, has a row. */
static const char *const in_parts[] = {
#define CALL(...)
#define PART(ID, number, call, ...) #call,
#define USE(...)
	CALL_ROWS(CALL, PART, USE)
#undef CALL
#undef PART
#undef USE
};

static const struct {
	const char *name;
	enum call_shape shape;
} our_calls[] = {
#define CALL(ID, number, call, shape, ...)	 [number] = {#call, SHAPE_##shape},
#define PART(ID, number, call, text, shape, ...) [number] = {text, SHAPE_##shape},
#define USE(...)
	CALL_ROWS(CALL, PART, USE)
#undef CALL
#undef PART
#undef USE
};

enum call_shape call_shape(uint16_t call)
{
	return call < ARRAY_SIZE(our_calls) ? our_calls[call].shape : 0;
}

const char *call_name(uint16_t call, uint16_t nr, char *buf)
{
	const char *name = NULL;

	if (call_shape(call) && strcmp(our_calls[call].name, "?"))
		return our_calls[call].name;
	name = syscall_name(nr);
	if (name)
		return name;
	snprintf(buf, 24, "syscall %u", nr);
	return buf;
}

const char *syscall_name(unsigned int nr)
{
	return nr < ARRAY_SIZE(names) ? names[nr] : NULL;
}

static int compare_name(const void *name, const void *info)
{
	return strcmp(name, ((const struct call_info *)info)->name);
}

static const struct call_info *find_call(unsigned int nr)
{
	const char *name = syscall_name(nr);

	return name ? bsearch(name, calls, ARRAY_SIZE(calls), sizeof(calls[0]), compare_name)
		    : NULL;
}

uint8_t syscall_call(unsigned int nr)
{
	const struct call_info *info = find_call(nr);

	return info ? info->call : 0;
}

uint8_t syscall_fd_args(unsigned int nr)
{
	const struct call_info *info = find_call(nr);

	return info ? info->fd_args : 0;
}

bool syscall_concerns_fds(unsigned int nr)
{
	return find_call(nr) != NULL;
}

bool syscall_changes_fds(unsigned int nr)
{
	const char *name = syscall_name(nr);

	for (size_t i = 0; name && i < ARRAY_SIZE(in_parts); i++)
		if (!strcmp(in_parts[i], name))
			return true;
	return syscall_call(nr);
}

uint8_t syscall_owner_call(unsigned int nr)
{
	const struct call_info *info = find_call(nr);

	return info ? info->owner : OWNER_CALL_NONE;
}
