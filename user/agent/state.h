/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The agent, as its own files know it: what it has opened, and how it stands.
 *
 * Owns: nothing: agent.c does. For agent.c and outputs.c alone.
 */
#ifndef FDTRACE_AGENT_STATE_H
#define FDTRACE_AGENT_STATE_H

#include "agent/arguments.h"
#include "agent/costs.h"
#include "agent/dedup.h"
#include "agent/export.h"
#include "agent/findings_file.h"
#include "agent/following.h"
#include "agent/http.h"
#include "agent/identity.h"
#include "agent/keeper.h"
#include "agent/periods.h"
#include "agent/recent.h"
#include "agent/settings.h"
#include "agent/spool.h"
#include "base/attribute.h"
#include "tracer/tracer.h"

/* What stands for a file, or an address, that there is not. */
#define NONE "none"

enum event { EVENT_TRACER, EVENT_SIGNAL, EVENT_HTTP, EVENT_EXPORT };

struct agent {
	struct arguments arguments;
	struct settings settings;
	struct tracer *tracer;
	struct identities *identities;
	struct periods periods;
	struct attributes attributes; /* of the finding that is told */
	struct findings_file file;
	struct dedup *dedup;
	struct spool *spool;
	struct keeper keeper;
	struct recent *recent;		  /* with http alone */
	struct export *export;		  /* NULL: nothing is sent */
	struct http *http;		  /* NULL: nobody may ask */
	uint64_t http_ns;		  /* CLOCK_BOOTTIME, of its last step */
	uint64_t started_ns, reloaded_ns; /* CLOCK_REALTIME */
	bool reload_failed;
	struct following following;
	struct costs costs;
	int epoll_fd, signal_fd;
	uint64_t watchdog_ns, fed_ns; /* 0: systemd does not watch */
	bool attached;		      /* what is traced is, and reports may come */
	bool stop, reload, reopen;    /* a signal has asked for it */
	bool asked;		      /* somebody does, over HTTP */
	int status;
};

static inline bool has_file(const struct agent *agent)
{
	return agent->file.output.stream;
}

#endif
