/*
 * Fuzzer of the CSV reader: no input may crash it, and what it accepts must be written and read
 * back as the same rows. Build with clang -fsanitize=fuzzer,address,undefined.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "results/record.h"
#include "results/record_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *write_rows(const struct record *records, size_t count, size_t *length)
{
	char *text = NULL;
	FILE *file = open_memstream(&text, length);

	if (!file || record_write_csv_header(file, records[0].kind) != 0)
		abort();
	for (size_t i = 0; i < count; i++) {
		if (record_write_csv_row(file, &records[i]) != 0)
			abort();
	}
	if (fclose(file) != 0)
		abort();
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record *first;
	struct record *second;
	size_t count;
	size_t again;
	size_t first_length;
	size_t second_length;
	char *first_text;
	char *second_text;
	char why[300];
	bool cut;

	if (record_parse_csv("fuzz", (const char *)data, size, &first, &count, &cut, why,
			     sizeof(why)) != 0 ||
	    count == 0)
		return 0;
	first_text = write_rows(first, count, &first_length);
	if (record_parse_csv("again", first_text, first_length, &second, &again, &cut, why,
			     sizeof(why)) != 0 ||
	    again != count || cut)
		abort();
	second_text = write_rows(second, again, &second_length);
	if (first_length != second_length || memcmp(first_text, second_text, first_length) != 0)
		abort();
	free(first_text);
	free(second_text);
	record_free_all(first, count);
	record_free_all(second, again);
	return 0;
}
