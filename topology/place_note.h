/* What an answer shares, as flags and in words. Private to topology/. */
#ifndef TOPOLOGY_PLACE_NOTE_H
#define TOPOLOGY_PLACE_NOTE_H

#include "topology/place.h"
#include "topology/seats.h"

/* Sets the flags and the note from who was seated where. */
void place_note_seats(hwloc_topology_t topology, const struct seats *seats,
		      struct place_answer *answer);

/* The same for "none", where everyone has all of `allowed`. */
void place_note_none(hwloc_const_bitmap_t allowed, struct place_answer *answer);

#endif
