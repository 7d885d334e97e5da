/* The report's list of rows that are not to be taken at their word, and why. */
#include "results/report_inside.h"

#include <stdlib.h>
#include <string.h>

#include "results/flags.h"
#include "results/html.h"

static const char *meaning_of(const char *word)
{
	flag_set set = flags_read(word);

	for (unsigned flag = 0; flag < FLAGS; flag++)
		if (set & (flag_set)1 << flag)
			return flags_all[flag].meaning;
	return "a flag that this lab does not know";
}

/* A word with the rows that have it, or a cell with its reason. */
struct tally {
	char *word;
	char *text;
	size_t rows;
};

struct tallies {
	struct tally *list;
	size_t count;
};

static void count(struct tallies *tallies, const char *word, size_t length, const char *text)
{
	struct tally *grown;

	for (size_t i = 0; i < tallies->count; i++) {
		struct tally *t = &tallies->list[i];

		if (strlen(t->word) == length && memcmp(t->word, word, length) == 0 &&
		    strcmp(t->text, text) == 0) {
			t->rows++;
			return;
		}
	}
	grown = reallocarray(tallies->list, tallies->count + 1, sizeof(*grown));
	if (!grown)
		return;
	tallies->list = grown;
	grown[tallies->count] = (struct tally){strndup(word, length), strdup(text), 1};
	if (grown[tallies->count].word && grown[tallies->count].text) {
		tallies->count++;
		return;
	}
	free(grown[tallies->count].word);
	free(grown[tallies->count].text);
}

static void write_tallies(struct tallies *tallies, const char *of, const char *what,
			  bool meanings_told, FILE *file)
{
	if (tallies->count)
		fprintf(file,
			"<div class=\"wide\"><table><thead><tr><th>%s</th><th class=\"n\">rows</th>"
			"<th>%s</th></tr></thead><tbody>\n",
			of, what);
	for (size_t i = 0; i < tallies->count; i++) {
		struct tally *t = &tallies->list[i];

		fputs("<tr><th scope=\"row\">", file);
		html_text(file, t->word);
		fprintf(file, "</th><td class=\"n\">%zu</td>", t->rows);
		html_element(file, "td", NULL, meanings_told ? meaning_of(t->word) : t->text);
		fputs("</tr>\n", file);
		free(t->word);
		free(t->text);
	}
	if (tallies->count)
		fputs("</tbody></table></div>\n", file);
	free(tallies->list);
}

void report_flags(const struct run_files *files, FILE *file)
{
	struct tallies flags = {NULL, 0}, reasons = {NULL, 0};
	size_t flagged = 0, partial = 0;

	for (size_t i = 0; i < files->count; i++) {
		const struct record *row = &files->records[i];
		const char *words = record_text(row, COLUMN_flags);
		const char *reason = record_text(row, COLUMN_reason);
		const char *cell = record_text(row, COLUMN_cell);

		flagged += *words != '\0';
		partial += record_number(row, COLUMN_partial) > 0;
		for (size_t length; *(words += strspn(words, " ")); words += length) {
			length = strcspn(words, " ");
			count(&flags, words, length, "");
		}
		if (*reason)
			count(&reasons, cell, strlen(cell), reason);
	}
	fprintf(file, "<p>%zu of %zu rows are flagged", flagged, files->count);
	if (partial)
		fprintf(file, ", %zu were cut short and are in no figure", partial);
	fputs(".</p>\n", file);
	write_tallies(&flags, "flag", "what it means", true, file);
	write_tallies(&reasons, "cell", "why it has no figures", false, file);
}
