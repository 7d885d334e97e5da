/* The report's list of rows that are not to be taken at their word, and why. */
#include "results/report_inside.h"

#include <stdlib.h>
#include <string.h>

#include "results/flags.h"
#include "results/html.h"
#include "results/trust.h"

/* What a word means; *spoils: no claim may rest on such a row. */
static const char *meaning_of(const char *word, bool *spoils)
{
	enum flag flag = flags_find(word, strlen(word));

	*spoils = flag == FLAGS || flags_all[flag].spoils;
	return flag < FLAGS ? flags_all[flag].meaning : "a flag that this lab does not know";
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

static void free_tallies(struct tallies *tallies)
{
	for (size_t i = 0; i < tallies->count; i++) {
		free(tallies->list[i].word);
		free(tallies->list[i].text);
	}
	free(tallies->list);
}

static void write_words(const struct run_files *files, const struct tallies *flags, FILE *file)
{
	if (flags->count == 0)
		return;
	fputs("<div class=\"wide\"><table><thead><tr><th>flag</th><th class=\"n\">rows</th>"
	      "<th>figures</th><th>what it means</th><th>cells (rows)</th></tr></thead><tbody>\n",
	      file);
	for (size_t i = 0; i < flags->count; i++) {
		bool spoils;
		const char *meaning = meaning_of(flags->list[i].word, &spoils);
		char *cells =
			flags_cells(files->records, files->count, flags->list[i].word, SIZE_MAX);

		fputs("<tr><th scope=\"row\">", file);
		html_text(file, flags->list[i].word);
		fprintf(file, "</th><td class=\"n\">%zu</td><td>%s</td>", flags->list[i].rows,
			spoils ? "spoiled" : "stand");
		html_element(file, "td", NULL, meaning);
		html_element(file, "td", NULL, cells ? cells : "");
		free(cells);
		fputs("</tr>\n", file);
	}
	fputs("</tbody></table></div>\n", file);
}

static void write_reasons(const struct tallies *reasons, FILE *file)
{
	if (reasons->count == 0)
		return;
	fputs("<div class=\"wide\"><table><thead><tr><th>cell</th><th class=\"n\">rows</th>"
	      "<th>why it has no figures</th></tr></thead><tbody>\n",
	      file);
	for (size_t i = 0; i < reasons->count; i++) {
		fputs("<tr>", file);
		html_element(file, "th", NULL, reasons->list[i].word);
		fprintf(file, "<td class=\"n\">%zu</td>", reasons->list[i].rows);
		html_element(file, "td", NULL, reasons->list[i].text);
		fputs("</tr>\n", file);
	}
	fputs("</tbody></table></div>\n", file);
}

/* The claims that rest on flagged rows: what --strict refuses. */
static void write_trust(const struct run_files *files, FILE *file)
{
	struct trust trust = {.claims = 0};
	char line[600];

	for (size_t i = 0; i < RUN_FILES_SUMMARIES; i++)
		trust_add_summary(&trust, files->summaries[i]);
	if (trust.doubtful)
		html_element(file, "p", NULL, trust_line(&trust, line, sizeof(line)));
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
	write_trust(files, file);
	write_words(files, &flags, file);
	write_reasons(&reasons, file);
	free_tallies(&flags);
	free_tallies(&reasons);
}
