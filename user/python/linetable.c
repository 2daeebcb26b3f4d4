/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/linetable.h"

#include <limits.h>
#include <stdbool.h>

/*
 * A line as computed, of an instruction that has one. CPython itself gives line 0 to what
 * stands for no line of the source (the RESUME of a module). Below 0: a table of nonsense.
 */
static int sane_line(int64_t line)
{
	return line >= 0 && line <= INT_MAX ? (int)line : LINE_UNKNOWN;
}

/*
 * Up to 3.9: pairs of (bytes of code, lines as a signed char). The pair that ends behind lasti
 * is not taken, and the last line goes on to the end of the code (PyCode_Addr2Line in
 * Objects/codeobject.c).
 */
static int lnotab_line(const uint8_t *table, size_t size, int firstlineno, int lasti)
{
	int64_t addr = 0, line = firstlineno;

	for (size_t i = 0; i + 1 < size; i += 2) {
		addr += table[i];
		if (addr > lasti)
			break;
		line += (int8_t)table[i + 1];
	}
	return sane_line(line);
}

/*
 * 3.10: pairs of (bytes of code, signed lines), each a range; -128: a range of no line, which
 * leaves the running line alone (Objects/lnotab_notes.txt, advance() in codeobject.c).
 */
static int pep626_line(const uint8_t *table, size_t size, int firstlineno, int lasti)
{
	int64_t end = 0, line = firstlineno;

	for (size_t i = 0; i + 1 < size; i += 2) {
		int8_t delta = (int8_t)table[i + 1];

		end += table[i];
		if (delta != INT8_MIN)
			line += delta;
		if (end > lasti)
			return delta == INT8_MIN ? LINE_NONE : sane_line(line);
	}
	return LINE_UNKNOWN;
}

/* The kinds of a location entry (enum _PyCodeLocationInfoKind, Include/cpython/code.h). */
enum location_kind {
	LOCATION_ONE_LINE0 = 10,
	LOCATION_ONE_LINE1 = 11,
	LOCATION_ONE_LINE2 = 12,
	LOCATION_NO_COLUMNS = 13,
	LOCATION_LONG = 14,
	LOCATION_NONE = 15,
};

/* Bit 7 marks the first byte of an entry and no other. */
static bool starts_entry(uint8_t byte)
{
	return byte & 0x80;
}

/*
 * A signed number in groups of six bits, the lowest first, bit 6: more follow; the sign is the
 * lowest bit. False if the table or the entry ends before it does, or it has over 32 bits.
 */
static bool read_svarint(const uint8_t *p, const uint8_t *end, int64_t *ret)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift <= 30; shift += 6, p++) {
		if (p == end || starts_entry(*p))
			return false;
		value |= (uint64_t)(*p & 0x3f) << shift;
		if (*p & 0x40)
			continue;
		*ret = value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
		return true;
	}
	return false;
}

/* By how many lines the entry at p moves the running line. */
static bool location_delta(const uint8_t *p, const uint8_t *end, int64_t *ret)
{
	switch ((*p >> 3) & 15) {
	case LOCATION_NO_COLUMNS:
	case LOCATION_LONG:
		return read_svarint(p + 1, end, ret);
	case LOCATION_ONE_LINE1:
		*ret = 1;
		return true;
	case LOCATION_ONE_LINE2:
		*ret = 2;
		return true;
	default: /* the short forms, ONE_LINE0 and NONE */
		*ret = 0;
		return true;
	}
}

/* From 3.11 on: an entry covers (low three bits + 1) code units of two bytes. */
static int location_line(const uint8_t *table, size_t size, int firstlineno, int lasti)
{
	const uint8_t *p = table, *end = table + size;
	int64_t covered = 0, line = firstlineno, delta;

	while (p < end) {
		if (!starts_entry(*p) || !location_delta(p, end, &delta))
			return LINE_UNKNOWN;
		line += delta;
		covered += 2 * ((*p & 7) + 1);
		if (covered > lasti)
			return ((*p >> 3) & 15) == LOCATION_NONE ? LINE_NONE : sane_line(line);
		do
			p++;
		while (p < end && !starts_entry(*p));
	}
	return LINE_UNKNOWN;
}

int linetable_line(unsigned int version, const uint8_t *table, size_t size, int firstlineno,
		   int lasti)
{
	if (lasti < 0)
		return sane_line(firstlineno);
	if (version < 0x0306)
		return LINE_UNKNOWN;
	if (version < 0x030a)
		return lnotab_line(table, size, firstlineno, lasti);
	if (!size) /* and so perhaps no table: not readable */
		return LINE_UNKNOWN;
	if (version == 0x030a)
		return pep626_line(table, size, firstlineno, lasti);
	return location_line(table, size, firstlineno, lasti);
}
