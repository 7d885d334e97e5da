/* Reads and writes sets of quality flags as words: see flags.h. */
#include "results/flags.h"

#include <stdio.h>
#include <string.h>

/* Involuntary switches a second, and a few more in what is short. */
#define PREEMPTIONS_MOST 100.0
#define PREEMPTIONS_FEW	 10.0

#define SPOILS true
#define TELLS  false

const struct flag_info flags_all[FLAGS] = {
#define FLAG(name, word, trust, meaning) {word, trust, meaning},
#include "results/flags.def"
#undef FLAG
};

_Static_assert(FLAGS < 32, "a flag_set has a bit for each, and one for the unknown");

/* Whether a word is that flag's; "status-3" is "status-N"'s. */
static bool is_word(const char *word, size_t length, const char *declared)
{
	size_t own = strlen(declared);
	size_t digits;

	if (own < 2 || strcmp(declared + own - 2, "-N") != 0)
		return length == own && memcmp(word, declared, own) == 0;
	if (length < own || memcmp(word, declared, own - 1) != 0)
		return false;
	digits = strspn(word + own - 1, "0123456789");
	return digits > 0 && own - 1 + digits == length;
}

enum flag flags_find(const char *word, size_t length)
{
	unsigned flag = 0;

	while (flag < FLAGS && !is_word(word, length, flags_all[flag].word))
		flag++;
	return (enum flag)flag;
}

bool flags_has(const char *text, const char *word)
{
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t length = strcspn(text, " ");

		if (is_word(text, length, word))
			return true;
		text += length;
	}
	return false;
}

flag_set flags_read(const char *text)
{
	flag_set set = 0;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t length = strcspn(text, " ");

		set |= (flag_set)1 << flags_find(text, length);
		text += length;
	}
	return set;
}

flag_set flags_spoiling(flag_set set)
{
	for (unsigned flag = 0; flag < FLAGS; flag++) {
		if (!flags_all[flag].spoils)
			set &= ~((flag_set)1 << flag);
	}
	return set;
}

const char *flags_words(flag_set set, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned flag = 0; flag <= FLAGS && used < size; flag++) {
		if (set & (flag_set)1 << flag)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "",
						 flag < FLAGS ? flags_all[flag].word : "unknown");
	}
	return text;
}

bool flags_preempted(uint64_t involuntary_switches, double worker_seconds)
{
	return (double)involuntary_switches > PREEMPTIONS_FEW + PREEMPTIONS_MOST * worker_seconds;
}

void flags_add(struct record *record, enum flag flag)
{
	const char *before = record_text(record, COLUMN_flags);
	char text[512];

	if (flags_read(before) & (flag_set)1 << flag)
		return;
	snprintf(text, sizeof(text), "%s%s%s", before, *before ? " " : "", flags_all[flag].word);
	record_set_text(record, COLUMN_flags, text);
}
