/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/finding.h"

#include <stddef.h>

#include "base/mem.h"

static const char *name_of(const char *const *names, size_t count, unsigned int index)
{
	return index < count ? names[index] : "unknown";
}

static const struct finding_kind_row kinds[] = {
#define X(ID, name, severity, in_shell, about, headline, site, finalizer)                          \
	[FINDING_##ID] = {#name,    SEVERITY_##severity, SEVERITY_##in_shell, ABOUT_##about, site, \
			  finalizer},
	FINDING_KIND_ROWS(X)
#undef X
};

const struct finding_kind_row *finding_kind_row(enum finding_kind kind)
{
	static const struct finding_kind_row unknown = {"unknown",    SEVERITY_INFO, SEVERITY_INFO,
							ABOUT_NUMBER, "made",	     "made"};

	return kind < FINDING_KINDS ? &kinds[kind] : &unknown;
}

void finding_set_kind(struct finding *finding, enum finding_kind kind)
{
	finding->kind = kind;
	finding->severity = finding_kind_row(kind)->severity;
}

const char *finding_kind_name(enum finding_kind kind)
{
	return finding_kind_row(kind)->name;
}

const char *certainty_name(enum certainty certainty)
{
	static const char *const names[] = {
		[CERTAINTY_FACT] = "fact",
		[CERTAINTY_SUSPECTED] = "suspected",
	};

	return name_of(names, ARRAY_SIZE(names), certainty);
}

const char *severity_name(enum severity severity)
{
	static const char *const names[] = {
		[SEVERITY_ERROR] = "error",
		[SEVERITY_WARNING] = "warning",
		[SEVERITY_INFO] = "info",
	};

	return name_of(names, ARRAY_SIZE(names), severity);
}

const char *culprit_name(enum culprit culprit)
{
	static const char *const names[] = {
		[CULPRIT_UNKNOWN] = "unknown",
		[CULPRIT_BAD] = "bad",
		[CULPRIT_CLOSED] = "closed",
	};

	return name_of(names, ARRAY_SIZE(names), culprit);
}

const char *attribution_name(enum attribution attribution)
{
	static const char *const names[] = {
		[ATTRIBUTION_PROVEN] = "proven",
		[ATTRIBUTION_LIKELY] = "likely",
		[ATTRIBUTION_OPEN] = "open",
	};

	return attribution < ARRAY_SIZE(names) ? names[attribution] : NULL;
}

const char *fd_type_name(enum fd_type type)
{
	static const char *const names[] = {
		[FD_UNKNOWN] = "unknown", [FD_FILE] = "file",	      [FD_SOCKET] = "socket",
		[FD_PIPE] = "pipe",	  [FD_EPOLL] = "epoll",	      [FD_EVENTFD] = "eventfd",
		[FD_TIMERFD] = "timerfd", [FD_SIGNALFD] = "signalfd", [FD_INOTIFY] = "inotify",
		[FD_MEMFD] = "memfd",	  [FD_PIDFD] = "pidfd",	      [FD_OTHER] = "other",
	};
	_Static_assert(ARRAY_SIZE(names) == FD_TYPES, "a type without a name");

	return name_of(names, ARRAY_SIZE(names), type);
}

const char *site_missing_text(enum site_missing missing)
{
	switch (missing) {
	case SITE_BEFORE_ATTACH:
		return "before fdtrace attached";
	case SITE_LOST:
		return "records were lost";
	case SITE_HISTORY_CUT:
		return "the history kept is too short";
	case SITE_OTHER_WAY:
		return "by a way that the attached hooks do not see";
	case SITE_BEFORE_EXEC:
		return "by the program that ran before exec";
	case SITE_SEEN:
	case SITE_NOT_APPLICABLE:
		break;
	}
	return "";
}

bool site_seen(const struct fd_site *site)
{
	return site->missing == SITE_SEEN;
}

bool site_finalizer(const struct fd_site *site)
{
	return site_seen(site) && site->origin == ORIGIN_FINALIZER;
}

bool finding_is_open(const struct finding *finding)
{
	return finding->attribution == ATTRIBUTION_OPEN && finding->candidate_count;
}

const char *site_origin_name(enum site_origin origin)
{
	static const char *const names[] = {
		[ORIGIN_OS_CLOSE] = "os.close",
		[ORIGIN_METHOD] = "close",
		[ORIGIN_FINALIZER] = "finalizer",
	};

	return origin < ARRAY_SIZE(names) ? names[origin] : NULL;
}

const char *owner_type_name(enum owner_type type)
{
	static const char *const names[OWNER_TYPES] = {
		[OWNER_FILEIO] = "_io.FileIO",
		[OWNER_SOCKET] = "_socket.socket",
		[OWNER_EPOLL] = "select.epoll",
	};

	return type < OWNER_TYPES ? names[type] : NULL;
}
