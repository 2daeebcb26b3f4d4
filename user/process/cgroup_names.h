/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the path of a cgroup tells of who runs in it: the systemd unit, the Kubernetes pod, the
 * container that has a name.
 *
 * Owns: how systemd, the kubelet and the container engines name cgroups. (A container's id:
 * parse.h.) Pure. Never: trusts the path to be of any of them: whoever may make cgroups names them.
 */
#ifndef FDTRACE_PROCESS_CGROUP_NAMES_H
#define FDTRACE_PROCESS_CGROUP_NAMES_H

#include <stdbool.h>

#define CGROUP_UNIT_SIZE 256 /* systemd's UNIT_NAME_MAX, with the NUL */
#define CGROUP_POD_SIZE	 37  /* a UUID, with the NUL */

/*
 * The innermost component that is named like a service, else like a scope (systemd.unit(5)), as it
 * stands there. False: there is none, and ret is empty.
 */
bool cgroup_unit(const char *path, char ret[CGROUP_UNIT_SIZE]);

/*
 * The UID of the pod, as Kubernetes writes it: the kubelet's cgroup is called podUID, or with the
 * systemd driver kubepods-…-podUID.slice with underscores in it (kubelet, pkg/kubelet/cm). Static
 * pods have 32 hex digits in place of a UUID. False: there is none, and ret is empty.
 */
bool cgroup_pod(const char *path, char ret[CGROUP_POD_SIZE]);

/*
 * The name of the container that LXC (lxc.payload.NAME, before version 4 lxc/NAME) or
 * systemd-nspawn (systemd-nspawn@NAME.service) has made, the innermost; as it stands there. False:
 * there is none, and ret is empty.
 */
bool cgroup_container_name(const char *path, char ret[CGROUP_UNIT_SIZE]);

#endif
