/* Whole files as arrays of rows: the visitor's rows, each copied. */
#include "results/record.h"
#include "results/record_csv.h"

#include <errno.h>
#include <stdlib.h>

struct kept {
	struct record *records;
	size_t count;
	size_t room;
};

static int keep(void *context, const struct record *row)
{
	struct kept *kept = context;

	if (kept->count == kept->room) {
		size_t larger = kept->room ? 2 * kept->room : 64;
		struct record *grown = reallocarray(kept->records, larger, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		kept->records = grown;
		kept->room = larger;
	}
	record_copy(&kept->records[kept->count++], row);
	return 0;
}

static int hand_over(struct kept *kept, int result, size_t cut_line, struct record **records,
		     size_t *count, bool *cut)
{
	if (result != 0 || kept->count == 0) {
		record_free_all(kept->records, kept->count);
		kept->records = NULL;
		kept->count = 0;
	}
	*records = kept->records;
	*count = kept->count;
	*cut = cut_line > 0 && result == 0;
	return result;
}

int record_parse_csv(const char *name, const char *bytes, size_t length, struct record **records,
		     size_t *count, bool *cut, char *why, size_t why_size)
{
	struct kept kept = {NULL, 0, 0};
	const struct record_visitor visitor = {.row = keep, .context = &kept};
	size_t cut_line;
	int result = record_visit_bytes(name, bytes, length, &visitor, &cut_line, why, why_size);

	return hand_over(&kept, result, cut_line, records, count, cut);
}

int record_read_csv(const char *path, struct record **records, size_t *count, bool *cut, char *why,
		    size_t why_size)
{
	struct kept kept = {NULL, 0, 0};
	const struct record_visitor visitor = {.row = keep, .context = &kept};
	size_t cut_line;
	int result = record_visit_csv(path, &visitor, &cut_line, why, why_size);

	return hand_over(&kept, result, cut_line, records, count, cut);
}
