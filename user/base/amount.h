/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Numbers and sizes as people write them.
 *
 * Owns: that form. Never: says what is wrong with one.
 */
#ifndef FDTRACE_BASE_AMOUNT_H
#define FDTRACE_BASE_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

/* Digits only, up to end (not included). Unlike strtoul: no sign, no blanks. */
bool amount_number(const char *text, const char *end, unsigned long max, unsigned long *ret);

/* 8M: a number, and a unit or none: bytes. False: it is none, or not from min to max. */
bool amount_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

#endif
