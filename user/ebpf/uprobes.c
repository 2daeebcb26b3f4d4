/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/uprobes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <bpf/libbpf.h>

int uprobes_add(struct uprobes *uprobes, const struct bpf_program *program, pid_t pid, int fd,
		uint64_t offset)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options);
	struct uprobe *grown;
	struct bpf_link *link;
	char path[32];

	grown = realloc(uprobes->all, (uprobes->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	uprobes->all = grown;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	link = bpf_program__attach_uprobe_opts(program, pid, path, offset, &options);
	if (!link)
		return -errno;
	uprobes->all[uprobes->count++] = (struct uprobe){link, pid};
	return 0;
}

void uprobes_remove(struct uprobes *uprobes, pid_t pid)
{
	size_t kept = 0;

	for (size_t i = 0; i < uprobes->count; i++) {
		if (uprobes->all[i].pid == pid)
			bpf_link__destroy(uprobes->all[i].link);
		else
			uprobes->all[kept++] = uprobes->all[i];
	}
	uprobes->count = kept;
}

size_t uprobes_links(const struct uprobes *uprobes, int *ret_fds)
{
	for (size_t i = 0; i < uprobes->count; i++)
		ret_fds[i] = bpf_link__fd(uprobes->all[i].link);
	return uprobes->count;
}

void uprobes_release(struct uprobes *uprobes)
{
	while (uprobes->count)
		bpf_link__destroy(uprobes->all[--uprobes->count].link);
	free(uprobes->all);
	*uprobes = (struct uprobes){0};
}
