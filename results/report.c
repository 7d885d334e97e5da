/* The report from its head to its foot: see report.h. */
#include "results/report_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "results/html.h"
#include "results/link_words.h"
#include "results/record_csv.h"

static const char style[] =
	"body{font:15px/1.5 system-ui,sans-serif;color:#111;background:#fff;max-width:64rem;"
	"margin:2rem auto;padding:0 1rem}\n"
	"h1{font-size:1.7rem;margin:0}h2{margin-top:2.2rem;border-bottom:2px solid #111}\n"
	"h3{margin:1.4rem 0 .4rem}.wide{overflow-x:auto;margin-bottom:1rem}\n"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.87rem}\n"
	"th,td{text-align:left;padding:.18rem .7rem .18rem 0;vertical-align:top;"
	"border-bottom:1px solid #ddd}\n"
	"tbody th{font-weight:600}.n{text-align:right;white-space:nowrap}\n"
	"td small{display:block;color:#555}em{color:#555;font-weight:400}\n"
	"tr.claim td,tr.claim th{font-weight:700}tr.bad td:first-child{font-weight:700}\n"
	"figure{margin:1.2rem 0}figure svg{max-width:100%;height:auto;border:1px solid #ddd}\n"
	"figcaption{font-size:.87rem;color:#333}\n"
	"pre{background:#f5f5f5;padding:.8rem;overflow-x:auto;font-size:.8rem;line-height:1.3}\n"
	"nav a{margin-right:1rem}.facts td,.facts th{font-size:.82rem}\n"
	"@media print{body{max-width:none}pre,.wide{overflow:visible}details{display:none}}\n";

static void write_head(const struct run_files *files, FILE *file)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; "
	      "style-src &#39;unsafe-inline&#39;\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width\"/>\n<title>",
	      file);
	html_text(file, files->experiment);
	fprintf(file, " – iolab</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
}

/* How long the cells were measured, all rows together. */
static double measured_s(const struct run_files *files)
{
	double sum = 0;

	for (size_t i = 0; i < files->count; i++) {
		double duration_s = record_number(&files->records[i], COLUMN_duration_s);

		sum += isnan(duration_s) ? 0 : duration_s;
	}
	return sum;
}

/* What the fetches went over, where that is not loopback. */
static void write_link(const struct run_files *files, FILE *file)
{
	const char *kind = json_string_value(json_object_get(files->run, "link"));
	json_int_t ns = json_integer_value(json_object_get(files->run, "link_latency_ns"));
	const char *by = json_string_value(
		json_object_get(json_object_get(files->host, "link"), "latency_by"));
	char words[256];

	if (!kind || !*link_words(kind, (double)ns / 1e9, by ? by : "", words, sizeof(words)))
		return;
	fputs("<p>Link: ", file);
	html_text(file, words);
	fputs(".</p>\n", file);
}

static void write_title(const struct run_files *files, FILE *file)
{
	json_int_t started = json_integer_value(json_object_get(files->run, "started_unix_s"));
	time_t start = (time_t)started;
	uint64_t expected = files->blocks * files->cells;
	char when[64] = "";
	struct tm utc;

	if (started > 0 && gmtime_r(&start, &utc))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &utc);
	html_element(file, "h1", NULL, files->experiment);
	fputs("<p>Run <code>", file);
	html_text(file, files->id);
	fputs("</code>", file);
	if (*when)
		fprintf(file, ", begun %s", when);
	fprintf(file,
		". %zu runs of %" PRIu64 " (%" PRIu64 " cells in %" PRIu64
		" randomised blocks, seed %" PRIu64 "), %.3g s measured in all, warm-ups left out.",
		files->count, expected, files->cells, files->blocks, files->seed,
		measured_s(files));
	if (files->limited)
		fputs(" It ran until a precision was reached or a budget spent.", file);
	if (files->count < expected)
		fputs(" <strong>The run is not complete.</strong>", file);
	fputs("</p>\n", file);
	if (files->note[0])
		html_element(file, "p", NULL, files->note);
	write_link(files, file);
	fputs("<nav><a href=\"#pictures\">Pictures</a><a href=\"#verdicts\">Verdicts</a>"
	      "<a href=\"#figures\">Figures</a><a href=\"#trust\">Flags</a>"
	      "<a href=\"#host\">Host</a><a href=\"#plan\">Plan</a>"
	      "<a href=\"#again\">Again</a></nav>\n",
	      file);
}

/* The picture's file, NULL when it is not there. */
static char *read_picture(const struct run_files *files, const struct picture *picture)
{
	char *path, *svg = NULL;
	size_t length;
	int fd;

	if (asprintf(&path, "%s/%s.svg", files->path, picture->name) < 0)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && record_read_all(fd, &svg, &length))
		svg = NULL;
	if (fd >= 0)
		close(fd);
	free(path);
	return svg;
}

static void write_picture(const struct run_files *files, const struct picture *picture,
			  size_t number, FILE *file)
{
	char *svg = read_picture(files, picture);
	char caption[320], context[320], prefix[32];

	if (!svg)
		return;
	snprintf(prefix, sizeof(prefix), "p%zu", number);
	picture_caption(picture, caption, sizeof(caption));
	fputs("<figure>\n", file);
	if (html_svg(file, svg, caption, prefix) == 0) {
		fputs("<figcaption>", file);
		html_text(file, caption);
		picture_context(picture->unit, context, sizeof(context));
		fputs(*context ? " (" : "", file);
		html_text(file, context);
		fputs(*context ? ")" : "", file);
		fprintf(file, ". <code>%s.gp</code> draws it.</figcaption>\n", picture->name);
	} else {
		fputs("<figcaption>No SVG: ", file);
		html_text(file, picture->name);
		fputs("</figcaption>\n", file);
	}
	fputs("</figure>\n", file);
	free(svg);
}

static void write_pictures(const struct report_input *input, FILE *file)
{
	const struct pictures *pictures = input->pictures;

	fputs("<h2 id=\"pictures\">Pictures</h2>\n", file);
	if (input->missing)
		html_element(file, "p", NULL, input->missing);
	else if (pictures->count == 0)
		fputs("<p>There is no complete run to draw.</p>\n", file);
	else
		fputs("<p>Points are medians over the blocks, bars their 95 % intervals, or of "
		      "fewer than 6 blocks their range. "
		      "Ratios are paired by block; the grey band is the noise floor, and a filled "
		      "ratio is a difference that is claimed.</p>\n",
		      file);
	for (size_t i = 0; i < pictures->count; i++)
		write_picture(input->files, &pictures->pictures[i], i + 1, file);
	if (pictures->left_out)
		fprintf(file, "<p>%zu more pictures would be too many to look at.</p>\n",
			pictures->left_out);
}

static void write_results(const struct run_files *files, FILE *file)
{
	size_t left_out = 0;

	fputs("<h2 id=\"verdicts\">Verdicts</h2>\n"
	      "<p>Each cell against the baseline of its workload: Hodges–Lehmann ratio over the "
	      "blocks with its 95 % interval (of fewer than 6 blocks the range), sign-flip test "
	      "(exact, or marked as sampled), Holm’s correction over all comparisons of a figure. "
	      "A difference is claimed (bold) only if it is beyond the "
	      "noise floor. <em>No difference shown</em> means just that.</p>\n",
	      file);
	for (size_t i = 0; i < RUN_FILES_SUMMARIES; i++)
		report_verdicts(files->summaries[i], file);
	fputs("<h3>Noise floor</h3>\n<p>What equal cells differed by, or could have.</p>\n", file);
	report_floors(files, file);
	fputs("<h2 id=\"figures\">Figures</h2>\n<p>Medians over the blocks, 95 % intervals below "
	      "them, or of fewer than 6 blocks their range.</p>\n",
	      file);
	for (size_t i = 0; i < RUN_FILES_SUMMARIES; i++) {
		report_cells(files->summaries[i], file);
		left_out += files->summaries[i]->left_out;
	}
	if (left_out)
		fprintf(file,
			"<p>%zu runs cut short, failed or not to be done here are left out."
			"</p>\n",
			left_out);
	fputs("<h2 id=\"trust\">Flags</h2>\n", file);
	report_flags(files, file);
}

int report_write(const struct report_input *input, FILE *file)
{
	const struct run_files *files = input->files;

	write_head(files, file);
	write_title(files, file);
	write_pictures(input, file);
	write_results(files, file);
	if (files->report) {
		fputs("<details><summary>As the run printed it</summary>\n<pre>", file);
		html_text(file, files->report);
		fputs("</pre></details>\n", file);
	}
	fputs("<h2 id=\"host\">Host</h2>\n", file);
	report_host(input, file);
	fputs("<h2 id=\"plan\">Plan</h2>\n", file);
	if (files->plan) {
		fputs("<pre>", file);
		html_text(file, files->plan);
		fputs("</pre>\n", file);
	} else {
		fputs("<p>Not known: there is no plan.ini.</p>\n", file);
	}
	report_again(files, file);
	fputs("</body>\n</html>\n", file);
	return ferror(file) ? -EIO : 0;
}
