/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Names and shapes of the calls in a record, and this architecture's system call numbers.
 *
 * Owns: the tables that tell the kernel side which system call is which, expanded from the rows of
 * abi/calls.h. Pure data.
 */
#ifndef FDTRACE_BASE_SYSCALLS_H
#define FDTRACE_BASE_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/calls.h"
#include "abi/owner_layout.h"
#include "abi/record.h"

/* Highest system call number that the tables know, plus one. */
#define SYSCALLS_MAX 512

/* The shape of a call; 0 for a number that this version does not know. */
enum call_shape call_shape(uint16_t call);

/*
 * The call's name: ours for a known call, the architecture's (nr) for CALL_OTHER,
 * CALL_INSTALLED and CALL_REMOVED, "syscall NNN" put into buf (at least 24 bytes) where there is
 * none.
 */
const char *call_name(uint16_t call, uint16_t nr, char *buf);

/* The system call's name on this architecture, or NULL. */
const char *syscall_name(unsigned int nr);

/* enum call_id of a system call, 0: none of those that the records name. */
uint8_t syscall_call(unsigned int nr);

/* Whether it has a row: all or some of it makes, moves, ends or uses descriptors. */
bool syscall_concerns_fds(unsigned int nr);

/* Whether all or some of it makes, moves or ends descriptors, and not only fails with EBADF. */
bool syscall_changes_fds(unsigned int nr);

/*
 * Which arguments are descriptors: the low nibble is 1 + the index of the first, the high
 * nibble 1 + the index of the second; 0: none. With FDS_PAIR or FDS_RANGE none needs to be open.
 */
uint8_t syscall_fd_args(unsigned int nr);

/*
 * enum owner_call (owner_layout.h) of a system call: what CPython's owners call as they are made
 * (Modules/_io/fileio.c: _io_FileIO___init___impl, Modules/socketmodule.c: sock_initobj_impl,
 * Modules/selectmodule.c: newPyEpoll_Object), and what the methods of a socket call.
 */
uint8_t syscall_owner_call(unsigned int nr);

#endif
