/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/table_hooks.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/mem.h"
#include "fdtrace.skel.h"

/* Bytes of what is read at once. */
#define ITEMS_SIZE    4096
/* The last argument that the kernel side looks at. */
#define ARGUMENTS_MAX 3

/* The prototype of what is called at a tracepoint; NULL: there is none of this name. */
static const struct btf_type *prototype_of(const struct btf *btf, const char *typedef_name)
{
	int id = btf__find_by_name_kind(btf, typedef_name, BTF_KIND_TYPEDEF);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, id);

	type = type ? btf__type_by_id(btf, type->type) : NULL;
	type = type && btf_is_ptr(type) ? btf__type_by_id(btf, type->type) : NULL;
	return type && btf_is_func_proto(type) ? type : NULL;
}

static bool is_request(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	type = btf_is_ptr(type) ? btf__type_by_id(btf, type->type) : NULL;
	return type && btf_is_struct(type) &&
	       !strcmp(btf__name_by_offset(btf, type->name_off), "io_kiocb");
}

/* An opcode is a u8; what else has one byte is a bool, and comes later. */
static bool is_byte(const struct btf *btf, uint32_t id)
{
	int resolved = btf__resolve_type(btf, id);
	const struct btf_type *type = resolved < 0 ? NULL : btf__type_by_id(btf, resolved);

	return type && btf_is_int(type) && type->size == 1 &&
	       btf_int_encoding(type) != BTF_INT_BOOL;
}

/* Which argument tells what is to be done; the prototype's first is the program's own. */
static bool find_opcode(const struct btf *btf, const struct btf_type *prototype,
			unsigned int *ret_at)
{
	const struct btf_param *of = btf_params(prototype) + 1;
	unsigned int count = btf_vlen(prototype) - 1;

	*ret_at = 0;
	if (count && is_request(btf, of[0].type))
		return true;
	for (unsigned int i = 1; i < count && i <= ARGUMENTS_MAX; i++) {
		if (!is_byte(btf, of[i].type))
			continue;
		*ret_at = i;
		return true;
	}
	return false;
}

struct watch watch_find(const struct btf *btf)
{
	static const struct {
		const char *point, *prototype;
	} names[] = {
		{"io_uring_submit_req", "btf_trace_io_uring_submit_req"},
		{"io_uring_submit_sqe", "btf_trace_io_uring_submit_sqe"}, /* before Linux 6.3 */
	};
	struct watch watch = {
		.tasks = btf__find_by_name_kind(btf, "bpf_iter__task", BTF_KIND_STRUCT) > 0,
		.files = btf__find_by_name_kind(btf, "bpf_iter__task_file", BTF_KIND_STRUCT) > 0,
	};

	for (size_t i = 0; i < ARRAY_SIZE(names) && !watch.ring_point; i++) {
		const struct btf_type *prototype = prototype_of(btf, names[i].prototype);

		if (prototype && find_opcode(btf, prototype, &watch.opcode_at))
			watch.ring_point = names[i].point;
	}
	return watch;
}

void watch_choose(const struct watch *watch, struct fdtrace_bpf *bpf)
{
	bpf->rodata->ring_opcode_at = watch->opcode_at;
	bpf_program__set_autoload(bpf->progs.on_ring_submission, watch->ring_point != NULL);
	bpf_program__set_autoattach(bpf->progs.on_ring_submission, false);
	bpf_program__set_autoload(bpf->progs.on_each_task, watch->tasks);
	bpf_program__set_autoattach(bpf->progs.on_each_task, false);
	bpf_program__set_autoload(bpf->progs.on_each_file, watch->files);
	bpf_program__set_autoattach(bpf->progs.on_each_file, false);
}

unsigned int watch_attach(const struct watch *watch, struct fdtrace_bpf *bpf)
{
	if (watch->tasks)
		bpf->links.on_each_task = bpf_program__attach_iter(bpf->progs.on_each_task, NULL);
	if (watch->ring_point)
		bpf->links.on_ring_submission = bpf_program__attach_raw_tracepoint(
			bpf->progs.on_ring_submission, watch->ring_point);
	return bpf->links.on_each_task && bpf->links.on_ring_submission ? RING_WATCHED : 0;
}

/* Calls fn for each item of size bytes that the program writes. As watch_each_task(). */
static int each_item(const struct bpf_link *link, size_t size, watch_fn fn, void *arg)
{
	_Alignas(8) char items[ITEMS_SIZE];
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(link));
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	/* A read may end in the midst of one. */
	while ((n = read(fd, items + have, sizeof(items) - have)) > 0) {
		size_t at = 0;

		for (have += n; have - at >= size; at += size) {
			int err = fn(arg, items + at);

			if (err)
				return err;
		}
		have -= at;
		memmove(items, items + at, have);
	}
	return n < 0 ? -errno : 0;
}

int watch_each_task(const struct fdtrace_bpf *bpf, watch_fn fn, void *arg)
{
	if (!bpf->links.on_each_task)
		return -EOPNOTSUPP;
	return each_item(bpf->links.on_each_task, sizeof(struct task_table), fn, arg);
}

int watch_each_socket(struct fdtrace_bpf *bpf, pid_t pid, watch_fn fn, void *arg)
{
	/* union bpf_iter_link_info's, which headers before Linux 6.1 lack. */
	struct {
		uint32_t tid, pid, pid_fd;
	} whose = {.pid = pid};
	DECLARE_LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = (void *)&whose,
			    .link_info_len = sizeof(whose));
	struct bpf_link *link;
	int err;

	if (bpf_program__fd(bpf->progs.on_each_file) < 0)
		return -EOPNOTSUPP;
	link = bpf_program__attach_iter(bpf->progs.on_each_file, &options);
	/* Before Linux 6.1 it goes through the files of all processes. */
	if (!link)
		link = bpf_program__attach_iter(bpf->progs.on_each_file, NULL);
	if (!link)
		return -errno;
	bpf->bss->asked_sockets_of = pid;
	err = each_item(link, sizeof(struct open_socket), fn, arg);
	bpf_link__destroy(link);
	return err;
}
