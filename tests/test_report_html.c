/*
 * results/report: one page that a strict XML parser reads whatever the names are, with every cell,
 * and nothing in it that a browser would load or run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "results/html.h"
#include "results/report.h"
#include "results/utf8.h"
#include "tests/synthetic.h"

static char folder[] = "/tmp/iolab-page-XXXXXX";

static const char *at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_text(const char *name, const char *text)
{
	FILE *file = fopen(at(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void assert_escaped(const char *text, const char *expected)
{
	char *made = NULL;
	size_t size;
	FILE *file = open_memstream(&made, &size);

	html_text(file, text);
	fclose(file);
	assert_string_equal(made, expected);
	free(made);
}

static void texts_are_escaped(void **state)
{
	(void)state;
	assert_escaped("a<b>&\"c'", "a&lt;b&gt;&amp;&quot;c&#39;");
	assert_escaped("line\n\ttab\r\x01\x7f", "line\n\ttab   ");
	assert_escaped("\xc3\xa9\xff\xe2\x82",
		       "\xc3\xa9" UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT);
	assert_escaped("\xef\xbf\xbf\xed\xa0\x80\xc0\x80",
		       UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT
			       UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT);
	assert_escaped("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
}

static void pictures_keep_their_ids_apart(void **state)
{
	static const char svg[] =
		"<?xml version='1.0'?>\n<!DOCTYPE svg PUBLIC \"-//W3C//DTD\" \"http://x/y.dtd\">\n"
		"<svg width=\"9\" height='8'>\n<title>Gnuplot</title>\n<desc>By it</desc>\n"
		"<path id='a' grid='b'/><use xlink:href='#a'/><g id=\"c\" fill='url(#d)'/></svg>\n";
	char *made = NULL;
	size_t size;
	FILE *file = open_memstream(&made, &size);

	(void)state;
	assert_int_equal(html_svg(file, svg, "a < b", "p7"), 0);
	assert_int_equal(html_svg(file, "no picture", "", "p8"), -EINVAL);
	assert_int_equal(html_svg(file, "<svg><path", "", "p8"), -EINVAL);
	fclose(file);
	assert_string_equal(made, "<svg width=\"9\" height='8'>\n<title>a &lt; b</title>\n\n"
				  "<path id='p7-a' grid='b'/><use xlink:href='#p7-a'/>"
				  "<g id=\"p7-c\" fill='url(#p7-d)'/></svg>\n");
	free(made);
}

/* A run of two workloads and the pools, whose cells may have names to beware of. */
static void make_run(struct run_files *files, const char *name)
{
	const struct summary_options options = {.seed = 1};
	struct record *rows = NULL;
	size_t count = 0;
	char why[256];

	memset(files, 0, sizeof(*files));
	synthetic_fetch(&rows, &count, 10, 0.01);
	synthetic_sumsq(&rows, &count, 10, 0.01);
	for (size_t i = 0; i < count; i++) {
		if (name) {
			char named[128];

			snprintf(named, sizeof(named), "%s%s", name,
				 record_text(&rows[i], COLUMN_cell));
			record_set_text(&rows[i], COLUMN_cell, named);
		}
		if (strcmp(record_text(&rows[i], COLUMN_model), "uring") == 0 && i < count / 2)
			record_set_text(&rows[i], COLUMN_flags, "steal <new>");
		if (i == 5) {
			record_set_text(&rows[i], COLUMN_flags, "failed status-1");
			record_set_text(&rows[i], COLUMN_reason, "it said <\"&no&\">");
		}
	}
	files->path = strdup(folder);
	files->id = "20260101T000000_host_<plan>";
	files->experiment = "a & b";
	files->plan = strdup("[fetch <x>]\nmodel = epoll & \"uring\"\n");
	files->report = strdup("as printed: 1 < 2 & 3\n");
	files->run = json_pack("{s:i, s:s, s:i}", "started_unix_s", 1767225600, "link", "veth",
			       "link_latency_ns", 2500000);
	files->host = json_pack("{s:{s:s}, s:{s:s, s:{s:s}}, s:{s:s}}", "kernel", "release",
				"6.1 <rc>", "cpu", "model", "A&B", "mitigations", "m", "x", "link",
				"latency_by", "netem");
	files->cells = count / 10;
	files->blocks = 10;
	files->seed = 7;
	files->records = rows;
	files->count = count;
	assert_int_equal(summary_make(rows, count, RECORD_FETCH, &options, &files->summaries[0],
				      why, sizeof(why)),
			 0);
	assert_int_equal(summary_make(rows, count, RECORD_SUMSQ, &options, &files->summaries[1],
				      why, sizeof(why)),
			 0);
	assert_int_equal(summary_make(rows, count, RECORD_NAP, &options, &files->summaries[2], why,
				      sizeof(why)),
			 0);
}

/* The page, written and also given back; to be freed. */
static char *write_page(const struct run_files *files, const char *missing)
{
	const struct summary *summaries[RUN_FILES_SUMMARIES] = {
		files->summaries[0], files->summaries[1], files->summaries[2]};
	json_t *findings =
		json_pack("[{s:s,s:s,s:s,s:s}, {s:s,s:s,s:s}]", "name", "governor", "verdict",
			  "warn", "text", "it is <ondemand>", "mend", "cpupower & co", "name",
			  "fine", "verdict", "good", "text", "all is well");
	struct pictures pictures;
	struct report_input input = {
		.files = files, .pictures = &pictures, .missing = missing, .findings = findings};
	char *page = NULL;
	size_t size;
	FILE *file = open_memstream(&page, &size);

	assert_int_equal(pictures_make(summaries, RUN_FILES_SUMMARIES, &pictures), 0);
	if (!missing)
		for (size_t i = 0; i < pictures.count; i++) {
			char name[128];

			snprintf(name, sizeof(name), "%s.svg", pictures.pictures[i].name);
			write_text(name, "<svg xmlns='http://www.w3.org/2000/svg'>"
					 "<title>x</title><path id='a'/></svg>");
		}
	assert_int_equal(report_write(&input, file), 0);
	fclose(file);
	pictures_release(&pictures);
	json_decref(findings);
	write_text("report.html", page);
	return page;
}

static void parse_page(const char *check)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "python3 -c 'import sys, xml.etree.ElementTree as e\n"
		 "t = e.parse(sys.argv[1])\n%s' %s",
		 check, at("report.html"));
	assert_int_equal(system(command), 0);
}

static void holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is missing", part);
}

static void a_page_has_everything(void **state)
{
	struct run_files files;
	char *page;

	(void)state;
	make_run(&files, NULL);
	page = write_page(&files, NULL);
	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < files.summaries[s]->cell_count; i++)
			holds(page, files.summaries[s]->cells[i].name);
	holds(page, "a &amp; b");
	holds(page, "begun 2026-01-01 00:00:00 UTC");
	holds(page, "seed 7");
	holds(page, "--seed 7 --blocks 10 --link veth ./plan.ini");
	holds(page, "iolab report &#39;20260101T000000_host_&lt;plan&gt;&#39;");
	holds(page, "faster by");
	holds(page, "<em>baseline</em>");
	holds(page, "was entered twice, in 10 blocks: fetches per second ");
	assert_null(strstr(page, "<td>throughput_rps</td>"));
	holds(page, "the hypervisor gave more than 2 %");
	holds(page, "<td>spoiled</td>");
	holds(page, "on flagged rows: ");
	holds(page, "a flag that this lab does not know");
	holds(page, "<td>uring-");
	holds(page, "<p>Link: veth, a pair of virtual interfaces");
	holds(page, "each round trip 2.50 ms longer, by netem.</p>");
	holds(page, "it said &lt;&quot;&amp;no&amp;&quot;&gt;");
	holds(page, "it is &lt;ondemand&gt;");
	holds(page, "cpupower &amp; co");
	assert_null(strstr(page, "all is well"));
	holds(page, "cpu.mitigations.m");
	holds(page, "[fetch &lt;x&gt;]");
	holds(page, "as printed: 1 &lt; 2 &amp; 3");
	parse_page("assert len(t.findall(\".//figure/{http://www.w3.org/2000/svg}svg\")) >= 7\n"
		   "ids = [x.get(\"id\") for x in t.iter() if x.get(\"id\")]\n"
		   "assert len(ids) == len(set(ids))");
	free(page);
	run_files_release(&files);
}

static void nothing_is_loaded_and_nothing_runs(void **state)
{
	struct run_files files;
	char *page;

	(void)state;
	make_run(&files, NULL);
	page = write_page(&files, NULL);
	holds(page, "default-src &#39;none&#39;");
	parse_page("for x in t.iter():\n"
		   "  assert x.tag.split(\"}\")[-1] not in (\"script\", \"link\", \"img\", "
		   "\"iframe\", \"object\"), x.tag\n"
		   "  for k, v in x.attrib.items():\n"
		   "    assert not k.startswith(\"on\") and \"src\" != k, k\n"
		   "    assert \"href\" not in k or v.startswith(\"#\"), v\n"
		   "    assert \"url(\" not in v or \"url(#\" in v, v\n"
		   "    assert \"//\" not in v, v\n");
	assert_null(strstr(page, "@import"));
	free(page);
	run_files_release(&files);
}

static void names_cannot_break_out(void **state)
{
	static const char *const names[] = {
		"</td><script>alert(1)</script>",
		"]]>&x;<!--",
		"\xff\xfe\x01\x02 % %s %n",
		"\"'onload='x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct run_files files;
		char *page;

		make_run(&files, names[i]);
		page = write_page(&files, "no pictures & <why>");
		holds(page, "no pictures &amp; &lt;why&gt;");
		assert_null(strstr(page, "<script"));
		parse_page("");
		free(page);
		run_files_release(&files);
	}
}

static void a_run_of_which_little_is_known_has_a_page(void **state)
{
	struct run_files files;
	char *page;

	(void)state;
	make_run(&files, NULL);
	for (size_t i = 0; i < RUN_FILES_SUMMARIES; i++) {
		const struct summary_options options = {.seed = 1};
		char why[200];

		summary_free(files.summaries[i]);
		assert_int_equal(summary_make(NULL, 0,
					      (enum record_kind[]){RECORD_FETCH, RECORD_SUMSQ,
								   RECORD_NAP}[i],
					      &options, &files.summaries[i], why, sizeof(why)),
				 0);
	}
	record_free_all(files.records, files.count);
	json_decref(files.host);
	free(files.plan);
	free(files.report);
	files.records = NULL;
	files.host = NULL;
	files.plan = files.report = NULL;
	files.count = 0;
	page = write_page(&files, NULL);
	holds(page, "The run is not complete.");
	holds(page, "--resume");
	holds(page, "no complete run to draw");
	holds(page, "there is no host.json");
	parse_page("");
	free(page);
	run_files_release(&files);
}

/* The commands to do it again are those of this run, and nothing is said that it has not. */
static void what_was_asked_for_is_asked_again(void **state)
{
	struct run_files files;
	char *page;

	(void)state;
	make_run(&files, NULL);
	assert_int_equal(
		json_object_update_new(files.run, json_pack("{s:i, s:s, s:s}", "place", 2, "link",
							    "veth", "plan_named", "my plan's.ini")),
		0);
	page = write_page(&files, NULL);
	holds(page, " --place spread --link veth &#39;my plan&#39;\\&#39;&#39;s.ini&#39;\n");
	holds(page, " --place spread --link veth ./plan.ini\n");
	free(page);
	/* A run that has all its rows. */
	files.blocks = 1;
	files.cells = files.count;
	page = write_page(&files, NULL);
	assert_null(strstr(page, "--resume"));
	assert_null(strstr(page, "what is left"));
	for (size_t i = 0; i < files.count; i++)
		files.records[i].kind = RECORD_FETCH;
	free(page);
	page = write_page(&files, NULL);
	holds(page, "A row a run is in <code>fetch.csv</code>;");
	free(page);
	run_files_release(&files);
}

static int start(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int stop(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(pictures_keep_their_ids_apart),
		cmocka_unit_test(a_page_has_everything),
		cmocka_unit_test(nothing_is_loaded_and_nothing_runs),
		cmocka_unit_test(names_cannot_break_out),
		cmocka_unit_test(a_run_of_which_little_is_known_has_a_page),
		cmocka_unit_test(what_was_asked_for_is_asked_again),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
