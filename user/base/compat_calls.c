/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/compat_calls.h"

#include "base/mem.h"
#include "base/syscall_numbers.h"

/* From here on a system call has one number on all architectures. */
#define SAME_NUMBERS 424

#if defined(__x86_64__)
static const struct {
	uint16_t native;
	uint16_t ia32[2]; /* 0: none; numbers do not change */
} compat[] = {
#define CALL(ID, number, call, shape, fds, flags, arg, name, makes, owner, ia32) \
	USE(call, fds, owner, ia32)
#define PART(...)
#define USE(call, fds, owner, ia32) {__NR_##call, {IA32_CELL_##ia32}},
	CALL_ROWS(CALL, PART, USE)
#undef CALL
#undef PART
#undef USE
};
#endif

int syscall_of_compat(unsigned int nr)
{
#if defined(__x86_64__)
	if (nr >= SAME_NUMBERS)
		return syscall_name(nr) ? (int)nr : -1;
	for (size_t i = 0; nr && i < ARRAY_SIZE(compat); i++)
		if (compat[i].ia32[0] == nr || compat[i].ia32[1] == nr)
			return compat[i].native;
#endif
	return -1;
}
