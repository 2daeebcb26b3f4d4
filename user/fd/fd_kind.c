/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/fd_kind.h"

#include <fcntl.h>

#include "base/mem.h"

/*
 * Flags that are not O_CLOEXEC by another name (as SOCK_, EFD_, TFD_, SFD_, IN_, EPOLL_ and
 * OPEN_TREE_CLOEXEC are). From linux/memfd.h, perf_event.h, fanotify.h and mount.h, written
 * here because older C libraries lack some of them.
 */
#define CLOEXEC_CLOEXEC ((uint32_t)O_CLOEXEC)
#define CLOEXEC_BIT0	1u /* MFD_CLOEXEC, FAN_CLOEXEC, FSOPEN_, FSMOUNT_, FSPICK_CLOEXEC */
#define CLOEXEC_BIT3	8u /* PERF_FLAG_FD_CLOEXEC */
#define CLOEXEC_NEVER	0u
#define CLOEXEC_ALWAYS	(~0u) /* whatever the flags: the kernel sets O_CLOEXEC itself */

struct fd_kind {
	enum fd_type type;
	uint32_t cloexec; /* the flag, CLOEXEC_NEVER or CLOEXEC_ALWAYS */
};

static const struct fd_kind kinds[] = {
#define CALL(ID, slot, call, shape, fds, flags, arg, name, makes, owner, ia32) \
	[CALL_##ID] = {MAKES_CELL_##makes},
#define PART(ID, slot, call, text, shape, flags, arg, name, makes) \
	[CALL_##ID] = {MAKES_CELL_##makes},
#define USE(...)
	CALL_ROWS(CALL, PART, USE)
#undef CALL
#undef PART
#undef USE
};

enum fd_type fd_kind_type(uint16_t call)
{
	return call < ARRAY_SIZE(kinds) ? kinds[call].type : FD_UNKNOWN;
}

bool fd_kind_cloexec(const struct record_call *call)
{
	uint32_t flag = call->call < ARRAY_SIZE(kinds) ? kinds[call->call].cloexec : CLOEXEC_NEVER;

	return flag == CLOEXEC_ALWAYS || (call->flags & flag);
}
