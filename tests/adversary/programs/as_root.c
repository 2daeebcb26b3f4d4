/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* A program of root's that everybody may run as root, as su is one. It stays for two seconds. */
#include <unistd.h>

int main(void)
{
	int failed = setuid(0);

	close(-1);
	sleep(2);
	return failed;
}
