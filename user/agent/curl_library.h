/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * libcurl, loaded where findings are sent, and nowhere else.
 *
 * Owns: that nobody else pays for it: it brings along 30 libraries, TLS among them, which would
 * cost every start of fdtrace some milliseconds, and memory. Loaded before privileges are given up.
 */
#ifndef FDTRACE_AGENT_CURL_LIBRARY_H
#define FDTRACE_AGENT_CURL_LIBRARY_H

#include <curl/curl.h>

/* What is used of it: NAME is curl_NAME(3). */
#define CURL_FUNCTIONS(X)      \
	X(global_init)         \
	X(easy_init)           \
	X(easy_cleanup)        \
	X(easy_reset)          \
	X(easy_setopt)         \
	X(easy_getinfo)        \
	X(easy_strerror)       \
	X(multi_init)          \
	X(multi_cleanup)       \
	X(multi_setopt)        \
	X(multi_add_handle)    \
	X(multi_remove_handle) \
	X(multi_socket_action) \
	X(multi_info_read)     \
	X(slist_append)        \
	X(slist_free_all)

/* The macros that check the types of some of them take away their names. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

struct curl_library {
#define X(name) __typeof__(curl_##name) *name;
	CURL_FUNCTIONS(X)
#undef X
};

/* For good. NULL: it is not to be had; *ret_why says why, lent. */
const struct curl_library *curl_library_load(const char **ret_why);

#endif
