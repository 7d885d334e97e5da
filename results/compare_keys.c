/* Cells are told apart by bytes: names, or factors one behind the other. */
#include "results/compare_keys.h"

#include <math.h>
#include <string.h>

const enum record_column *compare_factors(enum record_kind kind)
{
#define COMMON_FACTORS                                                                             \
	COLUMN_model, COLUMN_wait, COLUMN_variant_requested, COLUMN_workers_kind, COLUMN_workers,  \
		COLUMN_placement
	static const enum record_column fetch[] = {
		COMMON_FACTORS,	    COLUMN_url,	     COLUMN_tls,	COLUMN_tls_io,
		COLUMN_connections, COLUMN_rate_rps, COLUMN_body_bytes, COLUMN_origin_latency_us,
		RECORD_COLUMNS};
	static const enum record_column sums[] = {COMMON_FACTORS, COLUMN_jobs, COLUMN_core,
						  RECORD_COLUMNS};
	static const enum record_column naps[] = {COMMON_FACTORS, COLUMN_tasks, COLUMN_ticks,
						  COLUMN_tick_s, RECORD_COLUMNS};
	static const enum record_column common[] = {COMMON_FACTORS, RECORD_COLUMNS};
#undef COMMON_FACTORS

	switch (kind) {
	case RECORD_FETCH:
		return fetch;
	case RECORD_SUMSQ:
		return sums;
	case RECORD_NAP:
		return naps;
	case RECORD_COMMON:
	case RECORD_KINDS:
		break;
	}
	return common;
}

/* The origin has another port in every run. */
static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://");
	const char *path = strchr(host ? host + 3 : url, '/');

	return path ? path : url;
}

const char *compare_factor(const struct record *record, enum record_column column,
			   char text[static 64])
{
	double number = record_number(record, column);

	if (record_columns[column].type == RECORD_TEXT) {
		const char *value = record_text(record, column);

		return column == COLUMN_url ? path_of(value) : value;
	}
	text[0] = '\0';
	if (!isnan(number))
		snprintf(text, 64, "%.9g", column == COLUMN_body_bytes ? round(number) : number);
	return text;
}

/* Appends a text and the NUL that ends it. */
static size_t append(char *key, size_t length, const char *text)
{
	size_t more = strlen(text) + 1;

	if (more > COMPARE_KEY_MOST - length)
		return length;
	memcpy(key + length, text, more);
	return length + more;
}

size_t compare_factors_key(const struct record *record, char key[static COMPARE_KEY_MOST])
{
	size_t length = 1;
	char text[64];

	key[0] = (char)('0' + record->kind);
	for (const enum record_column *column = compare_factors(record->kind);
	     *column != RECORD_COLUMNS; column++)
		length = append(key, length, compare_factor(record, *column, text));
	return length;
}

size_t compare_identity(const struct record *record, char key[static COMPARE_KEY_MOST])
{
	const char *name = record_text(record, COLUMN_cell);

	if (!*name)
		return compare_factors_key(record, key);
	key[0] = (char)('A' + record->kind);
	return append(key, append(key, 1, record_text(record, COLUMN_experiment)), name);
}

uint64_t compare_hash(const char *bytes, size_t length)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

const struct compare_cell *compare_find(const struct compare_side *run, const char *key,
					size_t length)
{
	size_t at = compare_hash(key, length);

	if (run->slot_count == 0)
		return NULL;
	for (;; at++) {
		size_t slot = run->slots[at & (run->slot_count - 1)];
		const struct compare_cell *cell = slot ? &run->cells[slot - 1] : NULL;

		if (!cell || (cell->key_length == length && memcmp(cell->key, key, length) == 0))
			return cell;
	}
}

const char *compare_name(const struct compare_cell *cell)
{
	const char *name = record_text(&cell->sample, COLUMN_cell);

	return *name ? name : record_text(&cell->sample, COLUMN_model);
}
