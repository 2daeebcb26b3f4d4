/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the calling thread may read, at the call: a code object names any file as its own, and a
 * report shows no line that the call's own thread could not have read.
 *
 * Owns: the part that rights have in a stack's id, and their record, sent with each new stack.
 * Never: decides what may be read.
 */
#ifndef FDTRACE_RIGHTS_BPF_H
#define FDTRACE_RIGHTS_BPF_H

#include "walk.bpf.h"

/* A mount belongs to one mount namespace: this says that both are the same. */
static __always_inline bool has_own_root(struct task_struct *task)
{
	return own_mount && (u64)BPF_CORE_READ(task, fs, root.mnt) == own_mount &&
	       (u64)BPF_CORE_READ(task, fs, root.dentry) == own_dentry;
}

/* Those that count where every user has the same number as here. */
static __always_inline u32 file_capabilities(const struct cred *cred)
{
	u64 all = 0; /* before Linux 6.3 an array of two halves, the lower one first */
	u32 found;

	bpf_core_read(&all, sizeof(all), &cred->cap_effective);
	found = all & RIGHTS_CAPABILITIES;
	return found && !BPF_CORE_READ(cred, user_ns, level) ? found : 0;
}

/* Into w->rights, but for the groups; returns hash, with them mixed in. */
static __always_inline u64 take_rights(struct walk *w, u64 hash)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	const struct cred *cred = CURRENT(cred);
	struct record_rights *r = &w->rights;

	r->uid = BPF_CORE_READ(cred, fsuid.val);
	r->gid = BPF_CORE_READ(cred, fsgid.val);
	r->capabilities = file_capabilities(cred);
	r->own_root = has_own_root(task);
	w->group_info = (u64)BPF_CORE_READ(cred, group_info);
	hash = mix(hash, (u64)r->uid << 32 | r->gid);
	hash = mix(hash, r->capabilities << 1 | r->own_root);
	return mix(hash, w->group_info);
}

/*
 * Those of the walked stack, once it has been sent: without them none of its lines is shown. 0, or
 * negative: no room. A global function: verified by itself.
 */
__attribute__((noinline)) int send_rights(void)
{
	struct walk *w = this_walk();
	const struct group_info *info;
	u32 count, bytes;

	if (!w)
		return -1;
	info = (void *)w->group_info;
	count = BPF_CORE_READ(info, ngroups);
	w->rights.group_count = count;
	bytes = (count < RECORD_GROUPS_MAX ? count : RECORD_GROUPS_MAX) * sizeof(u32);
	if (bytes > sizeof(w->groups))
		bytes = sizeof(w->groups);
	/* What could not be read is not what it says: nothing is to rest on it. */
	if (bpf_probe_read_kernel(w->groups, bytes,
				  (void *)info + bpf_core_field_offset(struct group_info, gid)))
		return -1;
	w->rights.stack_id = w->stack.stack_id;
	fill_header(&w->rights.h, RECORD_RIGHTS, sizeof(w->rights) + bytes,
		    bpf_get_current_pid_tgid());
	return emit_bounded(&w->rights, sizeof(w->rights) + bytes,
			    sizeof(w->rights) + sizeof(w->groups), LOSS_STACK, false);
}

#endif
