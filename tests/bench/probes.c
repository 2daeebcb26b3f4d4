/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * probes empty|stack PID: attaches one of the programs of probes.bpf.c, says "ready", and detaches
 * when its standard input ends. Then says how many calls it saw, and how many frames.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_probes.skel.h"

int main(int argc, char **argv)
{
	struct bench_probes_bpf *probes = bench_probes_bpf__open();
	bool stack = argc > 1 && !strcmp(argv[1], "stack");
	char byte;

	if (argc != 3 || !probes)
		return 2;
	probes->rodata->target = (uint32_t)strtoul(argv[2], NULL, 10);
	bpf_program__set_autoload(probes->progs.on_empty, !stack);
	bpf_program__set_autoload(probes->progs.on_stack, stack);
	if (bench_probes_bpf__load(probes) || bench_probes_bpf__attach(probes)) {
		fprintf(stderr, "probes: cannot attach: %s\n", strerror(errno));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	printf("%" PRIu64 " %" PRIu64 "\n", (uint64_t)probes->bss->calls,
	       (uint64_t)probes->bss->frames);
	bench_probes_bpf__destroy(probes);
	return 0;
}
