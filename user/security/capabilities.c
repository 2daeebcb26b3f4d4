/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "security/capabilities.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Those of later kernels are refused. */
#define CAPABILITIES 64

int capabilities_get(struct capabilities *ret)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	*ret = (struct capabilities){0};
	if (syscall(SYS_capget, &header, data))
		return -errno;
	ret->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	ret->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

int capabilities_set(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{.effective = (uint32_t)effective, .permitted = (uint32_t)permitted},
		{.effective = effective >> 32, .permitted = permitted >> 32},
	};

	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int capabilities_clear_ambient(void)
{
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ? -errno : 0;
}

void capabilities_drop_bounding(uint64_t keep)
{
	for (unsigned int number = 0; number < CAPABILITIES; number++) {
		if (!(keep & CAPABILITY(number)))
			prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
	}
}
