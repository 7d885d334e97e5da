/*
 * Quality flags: words in a row's `flags` that say what is the matter with its figures. They are
 * declared once, in flags.def; the report, `iolab columns`, compare and --strict go by that.
 */
#ifndef RESULTS_FLAGS_H
#define RESULTS_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "results/record.h"

enum flag {
#define FLAG(name, word, trust, meaning) FLAG_##name,
#include "results/flags.def"
#undef FLAG
	FLAGS /* also a word that is not declared: of a lab newer than this one */
};

struct flag_info {
	const char *word;
	bool spoils; /* no claim may rest on such a row */
	const char *meaning;
};

extern const struct flag_info flags_all[FLAGS];

/* A set of flags: 1 << flag each. An unknown word is in it as 1 << FLAGS. */
typedef uint32_t flag_set;

/* The flag of a word; FLAGS when it is not declared. */
enum flag flags_find(const char *word, size_t length);

/* The flags of a row's text. */
flag_set flags_read(const char *text);

/* Whether a row's text holds that word; "-N" at its end stands for any number. */
bool flags_has(const char *text, const char *word);

/*
 * The cells of the rows that have the word, those with most rows first: "busy/uring (4), busy/epoll
 * (1) and 3 more", at most so many by name. To be freed; NULL when memory is out.
 */
char *flags_cells(const struct record *records, size_t count, const char *word, size_t most);

/* Those of the set that spoil a row. What is not known might: it is among them. */
flag_set flags_spoiling(flag_set set);

/* The set's words with blanks between them, cut to size; returns text. */
const char *flags_words(flag_set set, char *text, size_t size);

/*
 * Whether a worker was preempted more often than timer ticks and the kernel's housekeeping explain,
 * in that many seconds of running (workers' together).
 */
bool flags_preempted(uint64_t involuntary_switches, double worker_seconds);

/* Adds a flag to the row's, once. */
void flags_add(struct record *record, enum flag flag);

#endif
