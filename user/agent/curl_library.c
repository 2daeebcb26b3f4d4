/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/curl_library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

/* Of all versions since 2006. */
#define LIBRARY "libcurl.so.4"

static bool find_curl_functions(void *library, struct curl_library *ret)
{
	const struct {
		void *at;
		const char *name;
	} functions[] = {
#define X(name) {&ret->name, "curl_" #name},
		CURL_FUNCTIONS(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		void **at = functions[i].at;

		*at = dlsym(library, functions[i].name);
		if (!*at)
			return false;
	}
	return true;
}

const struct curl_library *curl_library_load(const char **ret_why)
{
	static struct curl_library curl;
	static bool loaded;
	void *library;

	if (loaded)
		return &curl;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library || !find_curl_functions(library, &curl)) {
		*ret_why = dlerror();
		return NULL;
	}
	if (curl.global_init(CURL_GLOBAL_DEFAULT)) {
		*ret_why = "it cannot be initialized";
		return NULL;
	}
	loaded = true;
	return &curl;
}
