/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/amount.h"

#include <string.h>

bool amount_number(const char *text, const char *end, unsigned long max, unsigned long *ret)
{
	unsigned long value = 0;

	if (text == end)
		return false;
	for (; text < end; text++) {
		unsigned long digit = (unsigned char)*text - (unsigned long)'0';

		if (digit > 9 || digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	return true;
}

static unsigned int size_unit(char suffix)
{
	switch (suffix) {
	case 'k':
	case 'K':
		return 1u << 10;
	case 'm':
	case 'M':
		return 1u << 20;
	case 'g':
	case 'G':
		return 1u << 30;
	default:
		return 1;
	}
}

bool amount_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	size_t length = strlen(text);
	unsigned int unit = size_unit(length ? text[length - 1] : '\0');
	unsigned long value = 0;

	if (!amount_number(text, text + length - (unit > 1), max / unit, &value))
		return false;
	*ret = (uint64_t)value * unit;
	return *ret >= min;
}
