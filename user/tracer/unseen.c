/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/unseen.h"

#include <stdlib.h>
#include <string.h>

void unseen_note(struct unseen *unseen, const char *sentence)
{
	for (size_t i = 0; i < unseen->count; i++)
		if (!strcmp(unseen->notes[i], sentence))
			return;
	if (unseen->count == UNSEEN_NOTES_MAX)
		return;
	unseen->notes[unseen->count] = strdup(sentence);
	unseen->count += unseen->notes[unseen->count] != NULL;
}

const char *const *unseen_list(struct unseen *unseen, const char *const *hooks, const char *now)
{
	size_t count = 0;

	while (hooks[count])
		count++;
	free(unseen->list);
	unseen->list = calloc(count + unseen->count + 2, sizeof(*unseen->list));
	if (!unseen->list)
		return hooks;
	memcpy(unseen->list, hooks, count * sizeof(*hooks));
	memcpy(unseen->list + count, unseen->notes, unseen->count * sizeof(*unseen->notes));
	unseen->list[count + unseen->count] = now;
	return unseen->list;
}

void unseen_free(struct unseen *unseen)
{
	while (unseen->count)
		free(unseen->notes[--unseen->count]);
	free(unseen->list);
	unseen->list = NULL;
}
