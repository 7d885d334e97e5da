/* iolab columns: what the columns of a row mean, for people, for programs and for validators. */
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "lab/cmd.h"
#include "lab/columns_files.h"
#include "lab/options.h"
#include "results/flags.h"
#include "results/record_schema.h"

struct columns_options {
	bool json;
	bool schema;
	unsigned of; /* columns_file_names */
};

#define FIELD(name) offsetof(struct columns_options, name)

static const struct option_row rows[] = {
	{.name = "of",
	 .kind = OPTION_CHOICE,
	 .offset = FIELD(of),
	 .argument = "rows|summary|programs|samples",
	 .help = "of which CSV file: fetch.csv and the other rows, summary.csv, programs.csv, or "
		 "what --samples writes (default rows)",
	 .choices = columns_file_names},
	{.name = "json", .kind = OPTION_FLAG, .offset = FIELD(json), .help = "print JSON"},
	{.name = "json-schema",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(schema),
	 .help = "print the JSON Schema of a row, as --json of fetch-*, sumsq-* and nap-* has it"},
};

static void print_file(const struct columns_file *file)
{
	printf("%s\n\n%-24s %s\n", file->about, "COLUMN", "MEANING");
	for (size_t i = 0; i < file->count; i++)
		printf("%-24s %s\n", file->columns[i].name, file->columns[i].meaning);
}

static void print_columns(void)
{
	printf("%-32s %-5s %-5s %-4s %s\n", "COLUMN", "ROWS", "TYPE", "UNIT", "MEANING");
	for (size_t i = 0; i < RECORD_COLUMNS; i++) {
		const struct record_column_info *c = &record_columns[i];

		printf("%-32s %-5s %-5s %-4s %s\n", c->name, record_kind_name(c->kind),
		       record_type_name(c->type), c->unit, c->meaning);
	}
	puts("\nflags, words in that column; !: --strict lets no claim rest on such rows");
	for (unsigned i = 0; i < FLAGS; i++)
		printf("%c %-20s %s\n", flags_all[i].spoils ? '!' : ' ', flags_all[i].word,
		       flags_all[i].meaning);
}

enum status cmd_columns(int argc, char **argv)
{
	const struct option_set set = {
		.usage = "columns [options]",
		.about = "Prints the columns of a row, or of another file, and their meaning.",
		.rows = rows,
		.count = sizeof(rows) / sizeof(rows[0])};
	struct columns_options options = {.json = false};

	if (options_parse(&set, &options, argc, argv))
		status_exit(STATUS_USAGE, "columns takes no operand; '%s' is one", argv[1]);
	if (options.json && options.schema)
		status_exit(STATUS_USAGE, "--json and --json-schema exclude each other");
	if (options.of && (options.json || options.schema))
		status_exit(STATUS_USAGE, "--json and --json-schema are of rows; leave out --of");
	if (options.of)
		print_file(&columns_files[options.of - 1]);
	else if (options.schema)
		cmd_print_json(record_schema());
	else if (options.json)
		cmd_print_json(record_columns_json());
	else
		print_columns();
	return fflush(stdout) ? STATUS_FAILED : STATUS_DONE;
}
