/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps, and the options that come down as read-only data.
 *
 * Owns: every map of the kernel side, with who writes it. Never: logic.
 */
#ifndef FDTRACE_MAPS_BPF_H
#define FDTRACE_MAPS_BPF_H

#include "abi/owner_layout.h"
#include "abi/py_layout.h"
#include "abi/record.h"
#include "abi/maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); /* the user side sets it before load */
} ring SEC(".maps");

/* Traced processes by tgid. The user side adds; fork adds, exit removes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct target);
} targets SEC(".maps");

/* The Python of a program. Both sides add; exec and exit remove. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct program_key);
	__type(value, struct python_process);
} pythons SEC(".maps");

/* The answer of on_identify. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct file_version);
} identified SEC(".maps");

/* What the user side found in an executable file. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct file_version);
	__type(value, struct python_file);
} python_files SEC(".maps");

/* Stacks already sent. The user side deletes what it forgets. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, u64);
	__type(value, u8);
} stacks_sent SEC(".maps");

/* Code objects already sent, by address. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct code_key);
	__type(value, struct code_sent);
} codes_sent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu_counts);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LAYOUTS_MAX);
	__type(key, u32);
	__type(value, struct py_layout);
} layouts SEC(".maps");

/* Beside layouts, of the same index. fd[] all 0: owners of this version are not known. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LAYOUTS_MAX);
	__type(key, u32);
	__type(value, struct owner_layout);
} owner_layouts SEC(".maps");

/* Numbers that objects claim. What does not fit is forgotten: then their closes prove nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct claimed_key);
	__type(value, struct claims);
} claimed SEC(".maps");

/* What is forgotten here is not watched any more. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct claimed_key);
	__type(value, struct watched_number);
} watched SEC(".maps");

/* Types of objects that have been looked at. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct owner_type_key);
	__type(value, struct owner_type_known);
} owner_types SEC(".maps");

/* Whether owners show at the fstat() calls of a place. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct owner_place_key);
	__type(value, struct owner_place);
} owner_places SEC(".maps");

/* By system call number: enum call_id; 1 + indices of descriptor arguments. */
const volatile __u8 call_of_nr[SYSCALLS_KNOWN];
const volatile __u8 fd_args_of_nr[SYSCALLS_KNOWN];
/* By 32-bit number: struct compat_call. */
const volatile __u16 compat_calls[SYSCALLS_KNOWN];
const volatile bool follow_forks = true;
/* Processes that are not traced tell when they run another program. */
const volatile bool tell_starts = false;
/* enum owner_call by system call number; all 0: owners are not asked for. */
const volatile __u8 owner_call_of_nr[SYSCALLS_KNOWN];
const volatile bool read_owners = false;
/* The inode of fdtrace's own pid namespace; 0: it is the initial one. */
const volatile __u32 pid_namespace;
/* Wake the reader when so many bytes wait. */
const volatile __u32 wake_bytes = 256 << 10;

/* How deep fdtrace's own pid namespace lies below the initial one. */
__u32 pid_namespace_level;
/* fdtrace's own root: its vfsmount and dentry, which it keeps in place; 0: not known. */
__u64 own_mount;
__u64 own_dentry;
/* Raised by the user side: what has been sent before is to be sent again. */
__u32 resend;
/* Raised by both sides after a change of pythons, by the user side after one of stacks_sent. */
__u64 pythons_changed, stacks_forgotten;
/* Raised by this side when one of owner_types is deleted. */
__u64 types_forgotten;
/* IDENTITY_FREED: frees of code objects, by tgid: to share a count makes ids new too often. */
#define EPOCHS 1024
__u64 epochs[EPOCHS];
/* A program is traced whose sockets show late (struct owner_layout). The user side sets it. */
__u8 sockets_late;
/*
 * How many numbers are watched, of all programs; and whether one with these low bits is or was.
 * Without one, no read or write of any process is looked at further.
 */
#define WATCHED_BITS 256
__u32 watching;
__u8 watched_bits[WATCHED_BITS];
/* Records lost, and how many of them the reader has been told of. */
__u64 lost_records, told_records;
/*
 * For tests: of each CPU's records every so many finds no room; 0: none. Set once the hooks have
 * proved good.
 */
__u32 drop_every;

#endif
