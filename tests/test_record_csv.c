/*
 * results/record as CSV: every column there and back, in any locale; a file cut at any byte is
 * read and written on; and a file that is wrong is refused with file, line and column.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "results/csv_fields.h"
#include "results/record.h"
#include "results/record_csv.h"

static char directory[] = "/tmp/iolab-test-XXXXXX";
static char path[64];
static char why[300];

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/rows.csv", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void write_file(const char *text, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static char *read_file(size_t *length)
{
	char *text = NULL;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(record_read_all(fd, &text, length), 0);
	close(fd);
	return text;
}

/* A row with every column of its kind set to something awkward. */
static void fill(struct record *record, enum record_kind kind, unsigned round)
{
	static const char *const texts[] = {"plain",	      "a,b", "say \"so\"",  "\"",
					    "two\nlines\r\n", " ",   "caf\xc3\xa9", ",,,"};
	static const double reals[] = {0.1,	1.0 / 3.0,     DBL_MAX, DBL_MIN,
				       -1e-300, 123456789.125, 5e-324,	0.0,
				       1e22,	299792.458,    2.5};

	record_init(record, kind);
	for (size_t i = 1; i < RECORD_COLUMNS; i++) {
		if (!record_has_column(kind, i))
			continue;
		switch (record_columns[i].type) {
		case RECORD_COUNT:
			record_set_count(record, i, (i + round) % 3 ? i * round : INT64_MAX - i);
			break;
		case RECORD_REAL:
			record_set_real(record, i, reals[(i + round) % 11]);
			break;
		case RECORD_TEXT:
			record_set_text(record, i, texts[(i + round) % 8]);
			break;
		}
	}
}

static void assert_same(const struct record *a, const struct record *b)
{
	assert_int_equal(a->kind, b->kind);
	for (size_t i = 0; i < RECORD_COLUMNS; i++) {
		assert_int_equal(a->values[i].present, b->values[i].present);
		if (!a->values[i].present)
			continue;
		if (record_columns[i].type == RECORD_TEXT)
			assert_string_equal(a->values[i].text, b->values[i].text);
		else
			assert_memory_equal(&a->values[i].count, &b->values[i].count, 8);
	}
}

static void round_trip(enum record_kind kind)
{
	struct record rows[12];
	struct record *read;
	size_t count;
	bool cut;

	unlink(path);
	for (unsigned i = 0; i < 12; i++) {
		if (i < 11)
			fill(&rows[i], kind, i);
		else
			record_init(&rows[i], kind);
		assert_int_equal(record_append_csv(path, &rows[i], why, sizeof(why)), 0);
	}
	assert_int_equal(record_read_csv(path, &read, &count, &cut, why, sizeof(why)), 0);
	assert_int_equal(count, 12);
	assert_false(cut);
	for (unsigned i = 0; i < 12; i++) {
		assert_same(&rows[i], &read[i]);
		record_release(&rows[i]);
	}
	record_free_all(read, count);
}

static void every_column_comes_back(void **state)
{
	(void)state;
	round_trip(RECORD_FETCH);
	round_trip(RECORD_SUMSQ);
	round_trip(RECORD_NAP);
	round_trip(RECORD_COMMON);
}

/* A locale with a comma is made where the host has the source of one; else the test says so. */
static void locales_do_not_matter(void **state)
{
	char place[64];
	char command[300];

	(void)state;
	snprintf(place, sizeof(place), "%s/de_DE.UTF-8", directory);
	snprintf(command, sizeof(command), "localedef -i de_DE -f UTF-8 --no-archive %s >%s 2>&1",
		 place, path);
	if (system(command) != 0 || setenv("LOCPATH", directory, 1) != 0 ||
	    !setlocale(LC_ALL, "de_DE.UTF-8")) {
		print_message("localedef cannot make a locale with a decimal comma here\n");
		snprintf(command, sizeof(command), "rm -rf %s", place); /* what it began */
		assert_int_equal(system(command), 0);
		skip();
	}
	assert_string_equal(localeconv()->decimal_point, ",");
	round_trip(RECORD_FETCH);
	setlocale(LC_ALL, "C");
	unsetenv("LOCPATH");
	snprintf(command, sizeof(command), "rm -r %s", place);
	assert_int_equal(system(command), 0);
}

static void reals_are_short(void **state)
{
	char text[RECORD_REAL_SIZE];

	(void)state;
	record_format_real(0.1, text);
	assert_string_equal(text, "0.1");
	record_format_real(1.0 / 3.0, text);
	assert_string_equal(text, "0.3333333333333333");
	record_format_real(100000.0, text);
	assert_string_equal(text, "100000");
	record_format_real(-DBL_MAX, text);
	assert_string_equal(text, "-1.7976931348623157e+308");
}

/* A kill can end the file anywhere. Whatever is left is read, and the next row goes on from it. */
static void every_cut_is_read_and_mended(void **state)
{
	struct record row;
	struct record *read;
	char *whole;
	size_t length;
	size_t header;
	size_t first;
	size_t refused = 0;

	(void)state;
	record_init(&row, RECORD_SUMSQ);
	record_set_text(&row, COLUMN_cell, "a, \"b\"");
	record_set_real(&row, COLUMN_tasks - 1, 123456); /* the last column of a sum's row */
	assert_int_equal(record_append_csv(path, &row, why, sizeof(why)), 0);
	assert_int_equal(record_append_csv(path, &row, why, sizeof(why)), 0);
	whole = read_file(&length);
	header = (size_t)(strchr(whole, '\n') - whole) + 1;
	first = header + (length - header) / 2;
	for (size_t cut_at = 0; cut_at <= length; cut_at++) {
		size_t rows = (cut_at >= first) + (cut_at == length);
		size_t count;
		bool cut;
		int result;

		write_file(whole, cut_at);
		assert_int_equal(record_read_csv(path, &read, &count, &cut, why, sizeof(why)), 0);
		assert_int_equal(count, rows);
		assert_int_equal(cut,
				 cut_at && cut_at != header && cut_at != first && cut_at != length);
		record_free_all(read, count);
		/* In its last field a row looks whole: that one is left to the user. */
		result = record_append_csv(path, &row, why, sizeof(why));
		if (result == -EINVAL) {
			struct stat stat_buffer;

			assert_non_null(strstr(why, "no newline"));
			assert_int_equal(stat(path, &stat_buffer), 0);
			assert_int_equal(stat_buffer.st_size, cut_at);
			refused++;
			continue;
		}
		assert_int_equal(result, 0);
		assert_int_equal(record_read_csv(path, &read, &count, &cut, why, sizeof(why)), 0);
		assert_int_equal(count, rows + 1);
		assert_false(cut);
		assert_same(&read[count - 1], &row);
		record_free_all(read, count);
	}
	/* Of either row: behind the last comma and behind each of the digits of 123456. */
	assert_int_equal(refused, 2 * 7);
	free(whole);
	record_release(&row);
}

/* Behind a newline inside quotes a file only seems to end with a line. */
static void open_quotes_are_left_alone(void **state)
{
	struct record row;
	struct record *read;
	size_t count;
	bool cut;
	char *text;
	char *open_at;
	size_t length;

	(void)state;
	record_init(&row, RECORD_SUMSQ);
	record_set_text(&row, COLUMN_cell, "one\ntwo");
	assert_int_equal(record_append_csv(path, &row, why, sizeof(why)), 0);
	text = read_file(&length);
	open_at = strstr(text, "two");
	assert_non_null(open_at);
	write_file(text, (size_t)(open_at - text));
	assert_int_equal(record_append_csv(path, &row, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "line 2 opens a quote that is never closed"));
	assert_int_equal(record_read_csv(path, &read, &count, &cut, why, sizeof(why)), -EINVAL);
	free(text);
	record_release(&row);
}

/* Many writers at once: one header, no torn row. */
static void writers_do_not_mix(void **state)
{
	enum { WRITERS = 8, ROWS = 40 };
	struct record *read;
	size_t count;
	bool cut;

	(void)state;
	for (unsigned i = 0; i < WRITERS; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			struct record row;
			int result = 0;

			fill(&row, RECORD_FETCH, i);
			for (int j = 0; j < ROWS && result == 0; j++)
				result = record_append_csv(path, &row, why, sizeof(why));
			_exit(result == 0 ? 0 : 1);
		}
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(record_read_csv(path, &read, &count, &cut, why, sizeof(why)), 0);
	assert_int_equal(count, WRITERS * ROWS);
	assert_false(cut);
	record_free_all(read, count);
}

/* Killed in its first write, as a kill at that moment would: no file, rather than an empty one. */
static void a_file_comes_to_be_whole(void **state)
{
	struct record row;
	int status;
	pid_t child;

	(void)state;
	record_init(&row, RECORD_NAP);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, 0});
		record_append_csv(path, &row, why, sizeof(why));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(errno, ENOENT);
	/* Made by a path without a folder, and an empty one that is there already is written on. */
	assert_int_equal(chdir(directory), 0);
	assert_int_equal(record_append_csv("rows.csv", &row, why, sizeof(why)), 0);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(record_append_csv("rows.csv", &row, why, sizeof(why)), 0);
	assert_int_equal(chdir("/"), 0);
	record_release(&row);
}

static void another_header_is_left_alone(void **state)
{
	static const char *const others[] = {"a,b\n1,2\n", "shopping list", "\n",
					     "schema_version\n"};
	struct record row;

	(void)state;
	record_init(&row, RECORD_FETCH);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char *text;
		size_t length;

		write_file(others[i], strlen(others[i]));
		assert_int_equal(record_append_csv(path, &row, why, sizeof(why)), -EINVAL);
		assert_non_null(strstr(why, path));
		text = read_file(&length);
		assert_string_equal(text, others[i]);
		free(text);
	}
	/* A fetch row does not go under a header of sums. */
	remove_file(NULL);
	record_release(&row);
	record_init(&row, RECORD_SUMSQ);
	assert_int_equal(record_append_csv(path, &row, why, sizeof(why)), 0);
	record_release(&row);
	record_init(&row, RECORD_FETCH);
	assert_int_equal(record_append_csv(path, &row, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "another header"));
	record_release(&row);
}

static void unwritable_places_are_named(void **state)
{
	struct record row;

	(void)state;
	record_init(&row, RECORD_FETCH);
	assert_int_equal(record_append_csv("/nowhere/rows.csv", &row, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "/nowhere/rows.csv"));
	assert_int_equal(record_append_csv("/dev/full", &row, why, sizeof(why)), -ENOSPC);
	assert_int_equal(record_append_csv("/", &row, why, sizeof(why)), -EISDIR);
	record_release(&row);
}

/* Header `columns`, then `rest`: what is wrong must be named. */
static void expect(const char *text, const char *message)
{
	struct record *read;
	size_t count;
	bool cut;

	assert_int_equal(record_parse_csv("f.csv", text, strlen(text), &read, &count, &cut, why,
					  sizeof(why)),
			 message ? -EINVAL : 0);
	if (message && strcmp(why, message) != 0)
		fail_msg("'%s' instead of '%s'", why, message);
	if (message)
		assert_true(!read && count == 0);
	record_free_all(read, count);
}

static void wrong_files_are_named(void **state)
{
	(void)state;
	expect("", NULL);
	expect("a,b\n1,2\n", "f.csv:1: not a CSV of this lab: no schema_version first");
	expect("schema_version,block\n1,x\n", "f.csv:2: block: not a whole number: 'x'");
	expect("schema_version,block\n1,3\n1,-1\n", "f.csv:3: block: not a whole number: '-1'");
	expect("schema_version,block\n1,9223372036854775808\n",
	       "f.csv:2: block: too large: '9223372036854775808'");
	expect("schema_version,duration_s\n1,1e999\n", "f.csv:2: duration_s: too large: '1e999'");
	expect("schema_version,duration_s\n1,0x10\n", "f.csv:2: duration_s: not a number: '0x10'");
	expect("schema_version,duration_s\n1,nan\n", "f.csv:2: duration_s: not a number: 'nan'");
	expect("schema_version,duration_s\n1,1.\n", "f.csv:2: duration_s: not a number: '1.'");
	expect("schema_version,duration_s\n1, 1\n", "f.csv:2: duration_s: not a number: ' 1'");
	expect("schema_version,duration_s\n1,\"1,5\"\n",
	       "f.csv:2: duration_s: not a number: '1,5'");
	expect("schema_version,block\n1\n", "f.csv:2: 1 fields under 2 columns");
	expect("schema_version,block\n1,2,3\n", "f.csv:2: 3 fields under 2 columns");
	expect("schema_version,block\n\n", "f.csv:2: 1 fields under 2 columns");
	expect("schema_version,block\n,1\n",
	       "f.csv:2: schema_version: nothing is not 1, the version that this lab reads");
	expect("schema_version,block,block\n1,2,3\n", "f.csv:1: block: column named twice");
	expect("schema_version,jobs,requests\n1,2,3\n",
	       "f.csv:1: requests: column of another kind of row");
	expect("schema_version,sp\teed\n1,2\n", "f.csv:1: sp?eed: no such column");
	expect("schema_version,cell\n1,a\"b\n", "f.csv:2: cell: a quote, a NUL byte or a lone "
						"carriage return in a field without quotes");
	expect("schema_version,cell\n1,\"a\"b\n", "f.csv:2: cell: text after a closing quote");
	expect("schema_version,cell\n1,\"a\nb\n",
	       "f.csv:2: cell: a quote is opened and never closed");
	/* The line is where the row begins, also behind a text of two lines. */
	expect("schema_version,cell,block\n1,\"a\nb\",2\n1,c,x\n",
	       "f.csv:4: block: not a whole number: 'x'");
}

static void other_versions_are_refused(void **state)
{
	(void)state;
	expect("schema_version,block\n2,1\n",
	       "f.csv:2: schema_version: 2 is not 1, the version that "
	       "this lab reads");
	/* The version explains an unknown column better than the column does. */
	expect("schema_version,colour\n2,blue\n",
	       "f.csv:2: schema_version: 2 is not 1, the version "
	       "that this lab reads");
	expect("schema_version,block\n1x,1\n", "f.csv:2: schema_version: 1x is not 1, the version "
					       "that this lab reads");
}

/* Columns in another order, fewer of them, CR LF, quotes around numbers: all of it is CSV. */
static void other_writers_are_read(void **state)
{
	static const char text[] = "schema_version,throughput_rps,block,cell\r\n"
				   "1,\"2.5e3\",\"7\",\"a\"\"b\"\r\n"
				   "\"1\",,,\"\"\r\n";
	struct record *read;
	size_t count;
	bool cut;

	(void)state;
	assert_int_equal(record_parse_csv("f", text, sizeof(text) - 1, &read, &count, &cut, why,
					  sizeof(why)),
			 0);
	assert_int_equal(count, 2);
	assert_false(cut);
	assert_int_equal(read[0].kind, RECORD_FETCH);
	assert_true(record_number(&read[0], COLUMN_throughput_rps) == 2500.0);
	assert_true(record_number(&read[0], COLUMN_block) == 7.0);
	assert_string_equal(record_text(&read[0], COLUMN_cell), "a\"b");
	assert_false(read[1].values[COLUMN_block].present);
	assert_false(read[1].values[COLUMN_cell].present);
	record_free_all(read, count);
}

/* Files are read in pieces: rows that lie across their ends, newlines in quotes, a huge field. */
static void pieces_do_not_show(void **state)
{
	enum { ROWS = 3000, LARGE = 700000 };
	struct record *read;
	struct record row;
	char *huge = malloc(LARGE + 1);
	size_t count;
	bool cut;
	char text[64];
	FILE *file = fopen(path, "w");

	(void)state;
	assert_non_null(huge);
	assert_non_null(file);
	memset(huge, 'x', LARGE);
	huge[LARGE] = '\0';
	assert_int_equal(record_write_csv_header(file, RECORD_SUMSQ), 0);
	for (unsigned i = 0; i < ROWS; i++) {
		record_init(&row, RECORD_SUMSQ);
		snprintf(text, sizeof(text), "cell %u,\n\"%.*s\"", i, (int)(i % 40),
			 "........................................");
		record_set_text(&row, COLUMN_cell, i == ROWS / 2 ? huge : text);
		record_set_count(&row, COLUMN_block, i);
		record_set_real(&row, COLUMN_elements_per_s, i / 7.0);
		assert_int_equal(record_write_csv_row(file, &row), 0);
		record_release(&row);
	}
	assert_int_equal(fclose(file), 0);
	assert_int_equal(record_read_csv(path, &read, &count, &cut, why, sizeof(why)), 0);
	assert_int_equal(count, ROWS);
	assert_false(cut);
	for (unsigned i = 0; i < ROWS; i++) {
		snprintf(text, sizeof(text), "cell %u,\n\"%.*s\"", i, (int)(i % 40),
			 "........................................");
		assert_string_equal(record_text(&read[i], COLUMN_cell),
				    i == ROWS / 2 ? huge : text);
		assert_true(record_number(&read[i], COLUMN_block) == i);
		assert_true(record_number(&read[i], COLUMN_elements_per_s) == i / 7.0);
	}
	record_free_all(read, count);
	free(huge);
}

/* The short way to read a number must give what the long way gives. */
static void numbers_are_read_as_strtod_does(void **state)
{
	static const char *const good[] = {"0",
					   "-0",
					   "1e22",
					   "1E-3",
					   "9007199254740992",
					   "9007199254740993",
					   "0.1",
					   "123456789012345678",
					   "-12.5e+3",
					   "5e-324",
					   "0.000000000000000000001",
					   "1.7976931348623157e308"};
	static const char *const bad[] = {"",	 "-",	".5",  "1.", "1e", "1e+",   "+1",
					  "0x1", "inf", "nan", " 1", "1 ", "1.5.2", "--1"};
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	double value, expected;
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(csv_decimal(good[i], c, &value));
		expected = strtod(good[i], NULL);
		assert_memory_equal(&value, &expected, sizeof(value));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(csv_decimal(bad[i], c, &value));
	srand(1);
	for (int i = 0; i < 200000; i++) {
		snprintf(text, sizeof(text), "%s%d%.*d.%0*d", i % 3 ? "" : "-", rand(),
			 i % 5 ? 1 : 9, rand(), 1 + i % 9, rand() % 100);
		assert_true(csv_decimal(text, c, &value));
		expected = strtod(text, NULL);
		assert_memory_equal(&value, &expected, sizeof(value));
	}
	freelocale(c);
}

static int refuse_third(void *context, const struct record *row)
{
	unsigned *seen = context;

	/* Only what is asked for is there. */
	assert_true(isnan(record_number(row, COLUMN_setup_s)));
	assert_false(isnan(record_number(row, COLUMN_duration_s)));
	return ++*seen == 3 ? -ECANCELED : 0;
}

static void visitors_see_what_they_ask_for(void **state)
{
	bool wanted[RECORD_COLUMNS] = {[COLUMN_duration_s] = true};
	unsigned seen = 0;
	const struct record_visitor visitor = {wanted, refuse_third, &seen};
	static const char text[] = "schema_version,duration_s,setup_s\n1,1,5\n1,2,x\n1,3,\n1,4,\n";
	size_t cut_line;

	(void)state;
	/* And a visitor ends it; what is wrong in a column that is not asked for is not seen. */
	assert_int_equal(
		record_visit_bytes("f", text, strlen(text), &visitor, &cut_line, why, sizeof(why)),
		-ECANCELED);
	assert_int_equal(seen, 3);
	seen = 0;
	assert_int_equal(record_visit_bytes("f", text, strlen(text) - 8, &visitor, &cut_line, why,
					    sizeof(why)),
			 0);
	assert_int_equal(seen, 2);
	assert_int_equal(cut_line, 4);
}

static void missing_files_are_named(void **state)
{
	struct record *read;
	size_t count;
	bool cut;

	(void)state;
	assert_int_equal(record_read_csv("/nowhere/x.csv", &read, &count, &cut, why, sizeof(why)),
			 -ENOENT);
	assert_string_equal(why, "/nowhere/x.csv: No such file or directory");
	assert_int_equal(record_read_csv(directory, &read, &count, &cut, why, sizeof(why)),
			 -EISDIR);
}

/* What this process has read so far, in bytes; 0 where the kernel does not say. */
static uint64_t bytes_read(void)
{
	FILE *file = fopen("/proc/self/io", "r");
	unsigned long long bytes = 0;

	if (file && fscanf(file, "rchar: %llu", &bytes) != 1)
		bytes = 0;
	if (file)
		fclose(file);
	return bytes;
}

/* A row costs what a row costs: a long file is looked at once, and then what others put behind. */
static void long_files_are_read_once(void **state)
{
	struct record row, *read;
	struct stat status;
	uint64_t before;
	size_t count;
	FILE *file;
	bool cut;

	(void)state;
	record_init(&row, RECORD_NAP);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(record_append_csv(path, &row, why, sizeof(why)), 0);
	assert_int_equal(stat(path, &status), 0);
	before = bytes_read();
	if (before == 0) {
		print_message("no /proc/self/io: what is read cannot be told\n");
		skip();
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(record_append_csv(path, &row, why, sizeof(why)), 0);
	assert_in_range(bytes_read() - before, 0, (uint64_t)status.st_size / 2);
	/* Another process' rows, whole and cut, are seen all the same. */
	file = fopen(path, "a");
	assert_non_null(file);
	assert_true(record_write_csv_row(file, &row) == 0 && fputs("1,cut", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(record_append_csv(path, &row, why, sizeof(why)), 0);
	assert_int_equal(record_read_csv(path, &read, &count, &cut, why, sizeof(why)), 0);
	assert_int_equal(count, 2022);
	assert_false(cut);
	record_free_all(read, count);
	/* And its mistakes; the line is the file's. */
	file = fopen(path, "a");
	assert_non_null(file);
	assert_true(fputs("1,\"cut\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(record_append_csv(path, &row, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "line 2024 opens a quote"));
	/* A shorter file, and one with another header under its number, are looked at anew. */
	write_file("1,2\n", 4);
	assert_int_equal(record_append_csv(path, &row, why, sizeof(why)), -EINVAL);
	record_release(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(every_column_comes_back, remove_file),
		cmocka_unit_test_teardown(locales_do_not_matter, remove_file),
		cmocka_unit_test(reals_are_short),
		cmocka_unit_test_teardown(every_cut_is_read_and_mended, remove_file),
		cmocka_unit_test_teardown(open_quotes_are_left_alone, remove_file),
		cmocka_unit_test_teardown(writers_do_not_mix, remove_file),
		cmocka_unit_test_teardown(a_file_comes_to_be_whole, remove_file),
		cmocka_unit_test_teardown(another_header_is_left_alone, remove_file),
		cmocka_unit_test_teardown(long_files_are_read_once, remove_file),
		cmocka_unit_test(unwritable_places_are_named),
		cmocka_unit_test(wrong_files_are_named),
		cmocka_unit_test(other_versions_are_refused),
		cmocka_unit_test(other_writers_are_read),
		cmocka_unit_test_teardown(pieces_do_not_show, remove_file),
		cmocka_unit_test(numbers_are_read_as_strtod_does),
		cmocka_unit_test(visitors_see_what_they_ask_for),
		cmocka_unit_test(missing_files_are_named),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
