/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/doubt.h"

#include <stddef.h>

/* The note of each doubt that has one. */
static const struct {
	enum doubt doubt;
	enum finding_note note;
} doubt_notes[] = {
	{DOUBT_ORDER, NOTE_ORDER_UNCERTAIN}, {DOUBT_CROSSED, NOTE_ORDER_UNCERTAIN},
	{DOUBT_COPY, NOTE_ORDER_UNCERTAIN},  {DOUBT_RANGE, NOTE_SWEPT},
	{DOUBT_SHARER, NOTE_SHARED_TABLE},   {DOUBT_RING, NOTE_RING},
	{DOUBT_COMPAT, NOTE_COMPAT},	     {DOUBT_GAP, NOTE_GAP},
	{DOUBT_FLUSH, NOTE_FLUSH},	     {DOUBT_ANOTHERS, NOTE_ANOTHERS},
	{DOUBT_OWNER_LATE, NOTE_OWNER_LATE}, {DOUBT_OWNER_BEFORE, NOTE_OWNER_BEFORE},
};

void finding_doubt(struct finding *finding, uint32_t doubts)
{
	if (!(doubts & ~DOUBTS_LATENT))
		return;
	finding->certainty = CERTAINTY_SUSPECTED;
	if (finding->attribution == ATTRIBUTION_PROVEN)
		finding->attribution = ATTRIBUTION_LIKELY;
	for (size_t i = 0; i < sizeof(doubt_notes) / sizeof(*doubt_notes); i++)
		if (doubts & doubt_notes[i].doubt)
			finding->notes |= doubt_notes[i].note;
}
