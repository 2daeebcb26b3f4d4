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

#define TASKS_AT_ONCE 64
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
		.tasks = btf__find_by_name_kind(btf, "bpf_iter__task", BTF_KIND_STRUCT) > 0};

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

int watch_each_task(const struct fdtrace_bpf *bpf, watch_task_fn fn, void *arg)
{
	struct task_table tasks[TASKS_AT_ONCE];
	_cleanup_close_ int fd = -1;
	size_t have = 0;
	ssize_t n;

	if (!bpf->links.on_each_task)
		return -EOPNOTSUPP;
	fd = bpf_iter_create(bpf_link__fd(bpf->links.on_each_task));
	if (fd < 0)
		return fd;
	/* A read may end in the midst of one. */
	while ((n = read(fd, (char *)tasks + have, sizeof(tasks) - have)) > 0) {
		size_t whole = (have + n) / sizeof(tasks[0]);

		for (size_t i = 0; i < whole; i++) {
			int err = fn(arg, &tasks[i]);

			if (err)
				return err;
		}
		have = (have + n) % sizeof(tasks[0]);
		memmove(tasks, tasks + whole, have);
	}
	return n < 0 ? -errno : 0;
}
