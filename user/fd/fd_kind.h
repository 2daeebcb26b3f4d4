/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a call makes: the type of the descriptor, and whether exec closes it.
 *
 * Owns: that knowledge, from the rows of abi/calls.h. Pure data. Of CALL_INSTALLED fd_install.h
 * knows more.
 */
#ifndef FDTRACE_FD_FD_KIND_H
#define FDTRACE_FD_FD_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "fd/finding.h"
#include "abi/record.h"

/* The type of what a successful call made; FD_UNKNOWN for a call that makes nothing new. */
enum fd_type fd_kind_type(uint16_t call);

/* Whether the new descriptor of a successful call is closed by exec. */
bool fd_kind_cloexec(const struct record_call *call);

#endif
