/* The report's host: what doctor holds against it, and all facts, folded up. */
#include "results/report_inside.h"

#include <string.h>

#include "results/html.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Findings with that verdict, a row each. */
static void write_findings(const json_t *findings, const char *verdict, FILE *file)
{
	const json_t *finding;
	size_t i;

	json_array_foreach((json_t *)findings, i, finding)
	{
		if (strcmp(text_of(finding, "verdict"), verdict) != 0)
			continue;
		fprintf(file, "<tr class=\"%s\"><td>%s</td>", verdict, verdict);
		html_element(file, "td", NULL, text_of(finding, "name"));
		html_element(file, "td", NULL, text_of(finding, "text"));
		html_element(file, "td", NULL, text_of(finding, "mend"));
		fputs("</tr>\n", file);
	}
}

static size_t count_findings(const json_t *findings, const char *verdict)
{
	const json_t *finding;
	size_t i, count = 0;

	json_array_foreach((json_t *)findings, i, finding) count +=
		strcmp(text_of(finding, "verdict"), verdict) == 0;
	return count;
}

static void write_doctor(const json_t *findings, FILE *file)
{
	size_t bad = count_findings(findings, "bad"), warn = count_findings(findings, "warn");

	fprintf(file, "<p>iolab doctor on these facts: %zu good, %zu warn, %zu bad, %zu unknown.",
		count_findings(findings, "good"), warn, bad, count_findings(findings, "unknown"));
	fputs(" Warn adds noise or makes figures hard to compare with another host's; bad makes "
	      "them wrong.</p>\n",
	      file);
	if (bad + warn == 0)
		return;
	fputs("<div class=\"wide\"><table><thead><tr><th>verdict</th><th>of</th><th>what there is"
	      "</th><th>what mends it</th></tr></thead><tbody>\n",
	      file);
	write_findings(findings, "bad", file);
	write_findings(findings, "warn", file);
	fputs("</tbody></table></div>\n", file);
}

/* Every fact a row: "cpu.model". A value that is no scalar is written out below its name. */
static void write_facts(const json_t *object, const char *path, unsigned depth, FILE *file)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		char name[256], *text;

		snprintf(name, sizeof(name), "%s%s%s", path, *path ? "." : "", key);
		if (json_is_object(value) && depth < 8) {
			write_facts(value, name, depth + 1, file);
			continue;
		}
		fputs("<tr>", file);
		html_element(file, "td", NULL, name);
		if (json_is_string(value)) {
			html_element(file, "td", NULL, json_string_value(value));
		} else {
			text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
			html_element(file, "td", NULL, text ? text : "");
			free(text);
		}
		fputs("</tr>\n", file);
	}
}

static void write_fact(const json_t *host, const char *section, const char *key, const char *name,
		       FILE *file)
{
	const json_t *value = json_object_get(json_object_get(host, section), key);

	if (!json_is_string(value) || !*json_string_value(value))
		return;
	fputs("<tr>", file);
	html_element(file, "th", NULL, name);
	html_element(file, "td", NULL, json_string_value(value));
	fputs("</tr>\n", file);
}

void report_host(const struct report_input *input, FILE *file)
{
	const json_t *host = input->files->host;

	if (!host) {
		fputs("<p>Not known: there is no host.json.</p>\n", file);
		return;
	}
	fputs("<table class=\"facts\"><tbody>\n", file);
	write_fact(host, "host", "name", "host", file);
	write_fact(host, "cpu", "model", "processor", file);
	write_fact(host, "host", "hypervisor", "hypervisor", file);
	write_fact(host, "host", "distribution", "system", file);
	write_fact(host, "kernel", "release", "kernel", file);
	write_fact(host, "cores", "workers", "CPUs of the workers", file);
	write_fact(host, "cores", "origin", "CPUs of the origin", file);
	write_fact(host, "iolab", "version", "lab", file);
	write_fact(host, "iolab", "commit", "its commit", file);
	write_fact(host, "iolab", "compiler", "its compiler", file);
	write_fact(host, "iolab", "flags", "its flags", file);
	fputs("</tbody></table>\n", file);
	if (input->findings)
		write_doctor(input->findings, file);
	fputs("<details><summary>All facts of the host</summary>\n<div class=\"wide\">"
	      "<table class=\"facts\"><tbody>\n",
	      file);
	write_facts(host, "", 0, file);
	fputs("</tbody></table></div></details>\n", file);
}
