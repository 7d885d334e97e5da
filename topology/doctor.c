/* All rules applied to the facts, and what they say as JSON: see doctor.h. */
#include "topology/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/doctor_inside.h"

const char *const doctor_verdict_names[DOCTOR_VERDICTS] = {
	[DOCTOR_UNKNOWN] = "unknown",
	[DOCTOR_GOOD] = "good",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_BAD] = "bad",
};

static const json_t *fact(const json_t *host, const char *section, const char *key)
{
	return json_object_get(json_object_get(host, section), key);
}

const char *doctor_text(const json_t *host, const char *section, const char *key)
{
	return json_string_value(fact(host, section, key));
}

bool doctor_number(const json_t *host, const char *section, const char *key, double *number)
{
	const json_t *value = fact(host, section, key);
	const char *text = json_string_value(value);
	char *end;

	if (json_is_number(value)) {
		*number = json_number_value(value);
		return true;
	}
	if (!text || !*text)
		return false;
	*number = strtod(text, &end);
	return *end == '\0';
}

void doctor_say(struct doctor_finding *f, enum doctor_verdict verdict, const char *format, ...)
{
	va_list arguments;

	f->verdict = verdict;
	va_start(arguments, format);
	vsnprintf(f->text, sizeof(f->text), format, arguments);
	va_end(arguments);
}

void doctor_mend(struct doctor_finding *f, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(f->mend, sizeof(f->mend), format, arguments);
	va_end(arguments);
}

enum doctor_verdict doctor_grade(double value, double good, double warn)
{
	return value <= good ? DOCTOR_GOOD : value <= warn ? DOCTOR_WARN : DOCTOR_BAD;
}

struct doctor_finding *doctor_next(struct doctor_report *report, const char *group,
				   const char *name)
{
	/* The last place takes what is too many: no host has that many features. */
	unsigned at = report->count < DOCTOR_FINDINGS_MAX ? report->count++ : report->count - 1;
	struct doctor_finding *f = &report->findings[at];

	*f = (struct doctor_finding){.group = group};
	snprintf(f->name, sizeof(f->name), "%s", name);
	doctor_say(f, DOCTOR_UNKNOWN, "this host does not show it");
	return f;
}

void doctor_judge(const json_t *host, struct doctor_report *report)
{
	static const struct {
		const char *group;
		const struct doctor_rule *rules;
	} groups[] = {
		{"processor", doctor_processor_rules},
		{"quiet", doctor_quiet_rules},
		{"memory and limits", doctor_memory_rules},
		{"network", doctor_network_rules},
		{"links", doctor_link_rules},
		{"counters", doctor_counter_rules},
	};

	report->count = 0;
	memset(report->verdicts, 0, sizeof(report->verdicts));
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		for (const struct doctor_rule *rule = groups[i].rules; rule->name; rule++)
			rule->judge(host, doctor_next(report, groups[i].group, rule->name));
	doctor_judge_uring(host, report);
	for (unsigned i = 0; i < report->count; i++)
		report->verdicts[report->findings[i].verdict]++;
}

static json_t *finding_json(const struct doctor_finding *f)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s*}", "group", f->group, "name", f->name,
			 "verdict", doctor_verdict_names[f->verdict], "text", f->text, "mend",
			 f->mend[0] ? f->mend : NULL);
}

json_t *doctor_json(const struct doctor_report *report, const json_t *host)
{
	json_t *findings = json_array(), *counts = json_object();

	for (unsigned i = 0; i < report->count; i++)
		if (json_array_append_new(findings, finding_json(&report->findings[i])))
			goto out;
	for (unsigned verdict = 0; verdict < DOCTOR_VERDICTS; verdict++)
		if (json_object_set_new(counts, doctor_verdict_names[verdict],
					json_integer(report->verdicts[verdict])))
			goto out;
	return json_pack("{s:i, s:s, s:o, s:o, s:O}", "schema_version", DOCTOR_SCHEMA_VERSION,
			 "kind", "doctor", "counts", counts, "findings", findings, "host", host);
out:
	json_decref(findings);
	json_decref(counts);
	return NULL;
}
