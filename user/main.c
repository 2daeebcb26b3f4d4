/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Picks the command. */
#include "desk.h"
#include "options.h"

int main(int argc, char **argv)
{
	struct options options;
	int err = options_parse(argc, argv, &options), status;

	if (err)
		return err > 0 ? EXIT_OK : EXIT_USAGE;
	status = desk_run(&options);
	options_free(&options);
	return status;
}
