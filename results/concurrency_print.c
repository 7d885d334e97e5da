/* The table of concurrency and parallelism, and what it means: see concurrency.h. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "results/concurrency.h"
#include "results/table.h"

#define NAME_SIZE 128

/* "adding, threads" or "waiting 5.00 ms, blocking" */
static const char *name_of(const struct concurrency_line *line, char name[static NAME_SIZE])
{
	const struct record *row = line->together;
	double latency = record_number(row, COLUMN_origin_latency_us);
	char text[TABLE_TEXT_SIZE] = "";

	if (row->kind != RECORD_SUMSQ && latency > 0)
		table_number(latency, "us", text);
	snprintf(name, NAME_SIZE, "%s%s, %s",
		 row->kind == RECORD_SUMSQ ? "adding squares"
		 : latency > 0		   ? "waiting "
					   : "fetching",
		 text, record_text(row, COLUMN_model));
	return name;
}

static void ratio_cell(struct table *table, const struct statistics_effect *effect)
{
	char text[TABLE_TEXT_SIZE] = "";

	if (effect->pairs)
		table_ratio(effect->ratio, effect->low, effect->high, text);
	table_cell(table, text);
}

static int print_table(const struct concurrency *c, FILE *file, bool color)
{
	struct table *table = table_new(6);
	char name[NAME_SIZE], text[TABLE_TEXT_SIZE];
	int err;

	if (!table)
		return -ENOMEM;
	table_heading(table, "work", TABLE_LEFT);
	table_heading(table, "1 worker", TABLE_RIGHT);
	table_heading(table, "workers", TABLE_RIGHT);
	table_heading(table, "by turns, on 1 core", TABLE_RIGHT);
	table_heading(table, "at once, on several", TABLE_RIGHT);
	table_heading(table, "CPUs", TABLE_RIGHT);
	for (size_t i = 0; i < c->count; i++) {
		const struct concurrency_line *line = &c->lines[i];
		const char *cpus = line->apart ? record_text(line->apart, COLUMN_cpus) : "";

		table_cell(table, name_of(line, name));
		table_cell(table, table_number(line->alone_rate, "1/s", text));
		snprintf(text, sizeof(text), "%.0f", record_number(line->together, COLUMN_workers));
		table_cell(table, text);
		ratio_cell(table, &line->by_turns);
		ratio_cell(table, &line->at_once);
		snprintf(text, sizeof(text), "%u", concurrency_cpus(cpus));
		table_cell(table, line->apart ? text : "");
	}
	err = table_write(table, file, 2, color);
	table_free(table);
	return err;
}

enum gain { GAIN_UNKNOWN, GAIN_LOSS, GAIN_NONE, GAIN_SOME };

/* What a ratio amounts to; unknown where its interval leaves more than one answer. */
static enum gain gain_of(const struct statistics_effect *effect)
{
	double low = isnan(effect->low) ? effect->ratio : effect->low;
	double high = isnan(effect->high) ? effect->ratio : effect->high;

	if (effect->pairs == 0)
		return GAIN_UNKNOWN;
	if (low > CONCURRENCY_GAIN)
		return GAIN_SOME;
	if (high < 1 / CONCURRENCY_GAIN)
		return GAIN_LOSS;
	return low > 1 / CONCURRENCY_GAIN && high < CONCURRENCY_GAIN ? GAIN_NONE : GAIN_UNKNOWN;
}

static void print_words(const struct concurrency_line *line, FILE *file)
{
	static const char *const turns[] = {
		[GAIN_UNKNOWN] = "it cannot be told what that gains",
		[GAIN_LOSS] = "concurrency, and it costs: the turns themselves take time",
		[GAIN_NONE] = "concurrency, and it gains nothing: nobody waits for another",
		[GAIN_SOME] = "concurrency, and it is all it takes: while one waits, others go on",
	};
	static const char *const cores[] = {
		[GAIN_UNKNOWN] = "whether more cores add to that cannot be told",
		[GAIN_LOSS] = "more cores take away from that",
		[GAIN_NONE] = "more cores add nothing to that: it is no matter of cores",
		[GAIN_SOME] = "that is parallelism: they really run at once",
	};
	char name[NAME_SIZE], by_turns[TABLE_TEXT_SIZE], at_once[TABLE_TEXT_SIZE];
	unsigned cpus = line->apart ? concurrency_cpus(record_text(line->apart, COLUMN_cpus)) : 0;

	fprintf(file, "  %s: %.0f workers on one core did %s times what one did;\n    %s.\n",
		name_of(line, name), record_number(line->together, COLUMN_workers),
		table_ratio(line->by_turns.ratio, line->by_turns.low, line->by_turns.high,
			    by_turns),
		turns[gain_of(&line->by_turns)]);
	if (!line->apart) {
		fputs("    On several cores they did not run: there is no parallelism to show.\n",
		      file);
		return;
	}
	fprintf(file, "    On %u CPUs they did %s times what one did;\n    %s.\n", cpus,
		table_ratio(line->at_once.ratio, line->at_once.low, line->at_once.high, at_once),
		cores[gain_of(&line->more_cores)]);
}

int concurrency_print(const struct concurrency *c, FILE *file, bool color)
{
	int err;

	if (c->count == 0) {
		fputs("Nothing ran with several workers on one core beside one worker alone: no "
		      "concurrency to show.\n",
		      file);
		return ferror(file) ? -EIO : 0;
	}
	fputs(color ? "\033[1mConcurrency and parallelism\033[0m" : "Concurrency and parallelism",
	      file);
	fputs(": one worker's rate, and how many times that several reach\n", file);
	err = print_table(c, file, color);
	if (err)
		return err;
	fputs("\nIn words\n", file);
	for (size_t i = 0; i < c->count; i++)
		print_words(&c->lines[i], file);
	return ferror(file) ? -EIO : 0;
}
