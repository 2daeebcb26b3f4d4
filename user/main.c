/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Picks the command. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "cli/trace.h"
#include "native/fetcher.h"
#include "native/helper.h"
#include "cli/options.h"
#include "cli/replay.h"
#include "cli/check_kernel.h"

/*
 * A standard descriptor that is closed must not become one of our own, which reports would then be
 * written into. What takes its place refuses them, and COMMAND does not get it.
 */
static void privileges_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", O_PATH | O_CLOEXEC);
}

int main(int argc, char **argv)
{
	struct options options;
	int err, status;

	if (helper_is_wanted(argv[0]))
		return helper_run();
	if (fetcher_is_wanted(argv[0]))
		return fetcher_run();
	privileges_standard_fds();
	if (argc > 1 && !strcmp(argv[1], "agent"))
		return agent_run(argc - 1, argv + 1);
	err = options_parse(argc, argv, &options);
	if (err)
		return err > 0 ? EXIT_OK : EXIT_USAGE;
	status = options.replay		? replay_run(&options)
		 : options.check_kernel ? check_kernel_run(&options)
					: trace_run(&options);
	options_free(&options);
	return status;
}
