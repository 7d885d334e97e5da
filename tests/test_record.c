/*
 * results/record: a row holds what was set and nothing else, a wrong setter dies at once, and a
 * row goes through JSON and back unchanged.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "results/record.h"

static void columns_are_in_order(void **state)
{
	(void)state;
	assert_string_equal(record_columns[0].name, "schema_version");
	assert_int_equal(record_column_find("throughput_rps"), COLUMN_throughput_rps);
	assert_int_equal(record_column_find("throughput"), RECORD_COLUMNS);
	assert_string_equal(record_columns[COLUMN_duration_s].unit, "s");
	assert_true(record_has_column(RECORD_SUMSQ, COLUMN_duration_s));
	assert_true(record_has_column(RECORD_SUMSQ, COLUMN_jobs));
	assert_false(record_has_column(RECORD_SUMSQ, COLUMN_requests));
	assert_false(record_has_column(RECORD_COMMON, COLUMN_requests));
}

static void missing_is_not_zero(void **state)
{
	struct record record;

	(void)state;
	record_init(&record, RECORD_FETCH);
	assert_int_equal(record_number(&record, COLUMN_schema_version), RECORD_SCHEMA_VERSION);
	assert_true(isnan(record_number(&record, COLUMN_requests)));
	assert_string_equal(record_text(&record, COLUMN_model), "");
	record_set_count(&record, COLUMN_requests, 0);
	assert_true(record_number(&record, COLUMN_requests) == 0.0);
	record_set_real(&record, COLUMN_throughput_rps, 2.5);
	assert_true(record_number(&record, COLUMN_throughput_rps) == 2.5);
	record_set_real(&record, COLUMN_throughput_rps, NAN);
	assert_true(isnan(record_number(&record, COLUMN_throughput_rps)));
	assert_false(record.values[COLUMN_throughput_rps].present);
	record_set_real(&record, COLUMN_throughput_rps, HUGE_VAL);
	assert_false(record.values[COLUMN_throughput_rps].present);
	record_set_text(&record, COLUMN_model, "epoll");
	record_set_text(&record, COLUMN_model, "uring");
	assert_string_equal(record_text(&record, COLUMN_model), "uring");
	assert_true(isnan(record_number(&record, COLUMN_model)));
	assert_string_equal(record_text(&record, COLUMN_requests), "");
	record_set_text(&record, COLUMN_model, NULL);
	assert_false(record.values[COLUMN_model].present);
	record_set_text(&record, COLUMN_model, "");
	assert_false(record.values[COLUMN_model].present);
	record_release(&record);
}

static void wrong_type(struct record *record)
{
	record_set_count(record, COLUMN_throughput_rps, 1);
}

static void wrong_kind(struct record *record)
{
	record_set_count(record, COLUMN_jobs, 1);
}

static void no_column(struct record *record)
{
	record_set_count(record, RECORD_COLUMNS, 1);
}

static void too_large(struct record *record)
{
	record_set_count(record, COLUMN_requests, (uint64_t)INT64_MAX + 1);
}

static void wrong_setters_abort(void **state)
{
	static void (*const wrong[])(struct record *) = {wrong_type, wrong_kind, no_column,
							 too_large};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int status = 0;
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			const struct rlimit none = {0, 0};
			struct record record;

			setrlimit(RLIMIT_CORE, &none);
			signal(SIGABRT, SIG_DFL);
			record_init(&record, RECORD_FETCH);
			wrong[i](&record);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

static void json_holds_what_is_present(void **state)
{
	struct record record;
	struct record again;
	char why[200];
	json_t *object;

	(void)state;
	record_init(&record, RECORD_FETCH);
	record_set_text(&record, COLUMN_url, "http://\"\xc3\xa9\"/\n");
	record_set_real(&record, COLUMN_throughput_rps, 0.1);
	record_set_count(&record, COLUMN_bytes_received, INT64_MAX);
	object = record_to_json(&record);
	assert_non_null(object);
	assert_int_equal(json_object_size(object), 4);
	record_init(&again, RECORD_FETCH);
	assert_int_equal(record_from_json(object, &again, why, sizeof(why)), 0);
	assert_string_equal(record_text(&again, COLUMN_url), record_text(&record, COLUMN_url));
	assert_true(record_number(&again, COLUMN_throughput_rps) == 0.1);
	assert_true(again.values[COLUMN_bytes_received].count == INT64_MAX);
	assert_false(again.values[COLUMN_requests].present);
	json_decref(object);
	record_release(&again);
	record_release(&record);
}

/* One byte that is not UTF-8 must not cost the row. */
static void json_survives_odd_bytes(void **state)
{
	struct record record;
	json_t *object;

	(void)state;
	record_init(&record, RECORD_FETCH);
	record_set_text(&record, COLUMN_url, "http://a/\xff");
	object = record_to_json(&record);
	assert_non_null(object);
	assert_string_equal(json_string_value(json_object_get(object, "url")), "http://a/?");
	json_decref(object);
	record_release(&record);
}

static void wrong_json_is_named(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} rows[] = {
		{"[1]", "not a JSON object"},
		{"{}", "schema_version"},
		{"{\"schema_version\": 2}", "schema_version"},
		{"{\"schema_version\": \"1\"}", "schema_version"},
		{"{\"schema_version\": 1, \"speed\": 1}", "speed: no such column"},
		{"{\"schema_version\": 1, \"jobs\": 1}", "jobs: column of another kind"},
		{"{\"schema_version\": 1, \"requests\": 1.5}", "requests: not a whole number"},
		{"{\"schema_version\": 1, \"requests\": -1}", "requests: not a whole number"},
		{"{\"schema_version\": 1, \"model\": 3}", "model: not a text"},
		{"{\"schema_version\": 1, \"model\": null}", "model: not a text"},
		{"{\"schema_version\": 1, \"duration_s\": \"3\"}", "duration_s: not a number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *object = json_loads(rows[i].text, 0, NULL);
		struct record record;
		char why[200] = "";

		assert_non_null(object);
		record_init(&record, RECORD_FETCH);
		assert_int_equal(record_from_json(object, &record, why, sizeof(why)), -EINVAL);
		if (!strstr(why, rows[i].why))
			fail_msg("%s: '%s' does not name '%s'", rows[i].text, why, rows[i].why);
		record_release(&record);
		json_decref(object);
	}
}

/* A whole number is a number too: JSON writers drop the ".0". */
static void json_integers_are_reals(void **state)
{
	json_t *object = json_loads("{\"schema_version\": 1, \"duration_s\": 3}", 0, NULL);
	struct record record;
	char why[200];

	(void)state;
	assert_non_null(object);
	record_init(&record, RECORD_SUMSQ);
	assert_int_equal(record_from_json(object, &record, why, sizeof(why)), 0);
	assert_true(record_number(&record, COLUMN_duration_s) == 3.0);
	record_release(&record);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_in_order),
		cmocka_unit_test(missing_is_not_zero),
		cmocka_unit_test(wrong_setters_abort),
		cmocka_unit_test(json_holds_what_is_present),
		cmocka_unit_test(json_survives_odd_bytes),
		cmocka_unit_test(wrong_json_is_named),
		cmocka_unit_test(json_integers_are_reals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
