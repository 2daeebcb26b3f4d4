/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a socket is, and whom it connects, read from the kernel's own structures as a call returns.
 *
 * Owns: reading struct sock and what lies around it. Another thread may close the socket meanwhile:
 * then nothing is told of it.
 * Never: reads memory of the traced process.
 */
#ifndef FDTRACE_SOCKET_BPF_H
#define FDTRACE_SOCKET_BPF_H

#include "emit.bpf.h"

#define SOCKFS_MAGIC   0x534f434b /* uapi/linux/magic.h */
#define AF_UNIX	       1
#define AF_INET	       2
#define AF_INET6       10
#define SOCK_RAW       3
#define IPPROTO_ICMP   1
#define IPPROTO_ICMPV6 58

/* net/tcp_states.h; a socket of any family that listens has this one. */
#define TCP_LISTEN 10

/* Raw sockets, and those of ping, have other numbers where the others have their ports. */
static __always_inline bool has_ports(const struct record_socket *s)
{
	return s->type != SOCK_RAW && s->protocol != IPPROTO_ICMP && s->protocol != IPPROTO_ICMPV6;
}

static __always_inline void read_ip(struct record_socket *s, struct sock *sk)
{
	u16 local, peer;

	if (!has_ports(s))
		return;
	/* As getsockname() has it: skc_num is gone when the connection is. */
	local = BPF_CORE_READ((struct inet_sock *)sk, inet_sport);
	peer = BPF_CORE_READ(sk, __sk_common.skc_dport);
	s->local_port = __builtin_bswap16(local);
	s->peer_port = __builtin_bswap16(peer);
	if (s->peer_port && !(s->flags & SOCKET_LISTENS))
		s->flags |= SOCKET_CONNECTED;
	if (s->family == AF_INET) {
		s->local_size = s->local_port ? 4 : 0;
		s->peer_size = s->peer_port ? 4 : 0;
		BPF_CORE_READ_INTO((u32 *)s->ip.local, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((u32 *)s->ip.peer, sk, __sk_common.skc_daddr);
	} else if (bpf_core_field_exists(sk->__sk_common.skc_v6_daddr)) {
		s->local_size = s->local_port ? SOCKET_IP_MAX : 0;
		s->peer_size = s->peer_port ? SOCKET_IP_MAX : 0;
		BPF_CORE_READ_INTO((struct in6_addr *)s->ip.local, sk,
				   __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO((struct in6_addr *)s->ip.peer, sk, __sk_common.skc_v6_daddr);
	}
}

/* Returns the bytes. It never changes once the socket has it. */
static __always_inline u8 read_sun_path(u8 to[SOCKET_PATH_MAX], struct sock *sk)
{
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)sk, addr);
	u64 path = (u64)address + bpf_core_field_offset(struct unix_address, name) +
		   bpf_core_field_offset(struct sockaddr_un, sun_path);
	u32 size;

	if (!address)
		return 0;
	size = BPF_CORE_READ(address, len) - bpf_core_field_offset(struct sockaddr_un, sun_path);
	barrier_var(size);
	if (!size || size > SOCKET_PATH_MAX)
		return 0;
	return bpf_probe_read_kernel(to, size, (void *)path) ? 0 : size;
}

static __always_inline void read_unix(struct record_socket *s, struct sock *sk)
{
	struct sock *peer = BPF_CORE_READ((struct unix_sock *)sk, peer);

	s->local_size = read_sun_path(s->path.local, sk);
	if (!peer || s->flags & SOCKET_LISTENS)
		return;
	s->flags |= SOCKET_CONNECTED;
	s->peer_size = read_sun_path(s->path.peer, peer);
	/* It was its peer all the time, and so has not become something else. */
	if (BPF_CORE_READ((struct unix_sock *)sk, peer) != peer)
		s->peer_size = 0;
}

static __always_inline void read_addresses(struct record_socket *s, struct sock *sk)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN)
		s->flags |= SOCKET_LISTENS;
	if (s->family == AF_INET || s->family == AF_INET6)
		read_ip(s, sk);
	else if (s->family == AF_UNIX && bpf_core_type_exists(struct unix_sock))
		read_unix(s, sk);
}

/*
 * Returns the bytes that hold; 0: the file is no socket, or is being closed. fresh: nobody can have
 * given it an address yet. The inode says which
 * socket it is; all else is found from there, for a file may become another one at any time, but an
 * inode's memory stays as long as this program runs.
 */
static __noinline u32 read_socket(struct record_socket *s, struct file *file, bool fresh)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct socket *socket;
	struct sock *sk;

	if (BPF_CORE_READ(inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return 0;
	socket = (void *)inode - bpf_core_field_offset(struct socket_alloc, vfs_inode) +
		 bpf_core_field_offset(struct socket_alloc, socket);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return 0;
	__builtin_memset(s, 0, sizeof(*s));
	s->inode = BPF_CORE_READ(inode, i_ino);
	s->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	s->type = BPF_CORE_READ(sk, sk_type);
	s->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (!fresh)
		read_addresses(s, sk);
	/* Closing it takes this away first. */
	return BPF_CORE_READ(socket, sk) == sk ? record_socket_size(s->family) : 0;
}

/* A process whose open sockets the user side asks for. */
__u32 asked_sockets_of;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct open_socket);
} open_sockets SEC(".maps");

/* One descriptor of one of all threads; those with their first thread's table are left out. */
static __always_inline void look_at_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct open_socket *o;
	u32 zero = 0;

	if (!task || !file || tgid_of(task) != asked_sockets_of)
		return;
	o = bpf_map_lookup_elem(&open_sockets, &zero);
	if (!o || !read_socket(&o->socket, file, false))
		return;
	o->tgid = asked_sockets_of;
	o->fd = ctx->fd;
	bpf_seq_write(ctx->meta->seq, o, sizeof(*o));
}

#endif
