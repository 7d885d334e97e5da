/* Checks across the keys of a section. */
#include "lab/plan_check.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/protocol/url.h"
#include "lab/cell.h"
#include "lab/plan_terms.h"
#include "lab/units.h"

/* At most one of these says what is asked of the origin. */
static int check_asked(const struct plan_section *section, char *why, size_t why_size)
{
	static const char *const asked[] = {"latency", "body", "path", "urls"};
	const struct plan_key *first = NULL;

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		const struct plan_key *key = plan_section_key(section, asked[i]);

		if (key && first)
			return plan_complain(key->line, why, why_size,
					     "[%s] %s and %s do not go together", section->label,
					     first->name, key->name);
		first = key ? key : first;
	}
	return 0;
}

/* Whether {name} is the runner's, or a key of the section. */
static bool is_filled(const struct plan_section *section, const char *name)
{
	for (const char *const *known = cell_filled; *known; known++)
		if (strcmp(*known, name) == 0)
			return true;
	return plan_section_key(section, name) != NULL;
}

static int unknown_filled(const struct plan_section *section, const struct plan_key *key,
			  const char *name, char *why, size_t why_size)
{
	const char *names[PLAN_KEYS_MAX + 16], *nearest;
	size_t count = 0;

	for (const char *const *known = cell_filled; *known && count < 16; known++)
		names[count++] = *known;
	for (unsigned k = 0; k < section->key_count; k++)
		names[count++] = section->keys[k].name;
	nearest = units_nearest(name, names, count);
	return plan_complain(key->line, why, why_size,
			     "[%s] %s: {%s} is neither a key of this section nor what the runner "
			     "fills in%s%s%s",
			     section->label, key->name, name, nearest ? "; did you mean {" : "",
			     nearest ? nearest : "", nearest ? "}?" : "");
}

/* Every {word} of a value must be known; other braces stand for themselves. */
static int check_filled(const struct plan_section *section, const struct plan_key *key,
			const char *value, char *why, size_t why_size)
{
	for (const char *at = value; (at = strchr(at, '{')); at++) {
		size_t length = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz-");
		char name[64];

		if (length == 0 || length >= sizeof(name) || at[length + 1] != '}' ||
		    (at > value && at[-1] == '%'))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)length, at + 1);
		if (!is_filled(section, name))
			return unknown_filled(section, key, name, why, why_size);
	}
	return 0;
}

/* A command's own key must be used: it could be a misprint of another. */
static int check_used(const struct plan_section *section, const struct plan_key *key, char *why,
		      size_t why_size)
{
	const char *run = plan_section_key(section, "run")->values.items[0];
	const char *nearest;
	char filled[80];

	snprintf(filled, sizeof(filled), "{%.70s}", key->name);
	if (key->row || strstr(run, filled))
		return 0;
	nearest = plan_kind_nearest(section->kind, key->name);
	return plan_complain(key->line, why, why_size,
			     "[%s] has no key '%s', and run does not hold {%s}%s%s%s",
			     section->label, key->name, key->name, nearest ? "; did you mean " : "",
			     nearest ? nearest : "", nearest ? "?" : "");
}

static int check_pattern(const struct plan_section *section, const struct plan_key *key, char *why,
			 size_t why_size)
{
	regex_t pattern;
	char what[128];
	int err = regcomp(&pattern, key->values.items[0], REG_EXTENDED);

	if (!err && pattern.re_nsub > 0) {
		regfree(&pattern);
		return 0;
	}
	if (err)
		regerror(err, &pattern, what, sizeof(what));
	else
		snprintf(what, sizeof(what), "it has no (group) to take the figure from");
	if (!err)
		regfree(&pattern);
	return plan_complain(key->line, why, why_size, "[%s] %s: %s", section->label, key->name,
			     what);
}

static int check_words(const struct plan_section *section, const struct plan_key *key, char *why,
		       size_t why_size)
{
	char **words;

	if (cell_words(key->values.items[0], &words))
		return plan_complain(key->line, why, why_size, "[%s] run: a quote is not closed",
				     section->label);
	for (char **word = words; *word; word++)
		free(*word);
	free(words);
	return 0;
}

static int check_terms(const struct plan_section *section, const struct plan_key *key, char *why,
		       size_t why_size)
{
	const char *terms = key->values.items[0];
	char what[256];

	/* A baseline may also be MODEL or MODEL/WAIT. */
	if (strcmp(key->name, "skip") != 0 && !strpbrk(terms, "=<>"))
		return 0;
	if (plan_terms_check(section, terms, what, sizeof(what)) == 0)
		return 0;
	return plan_complain(key->line, why, why_size, "[%s] %s: %s", section->label, key->name,
			     what);
}

/* A share of the capacity is of a benchmark's: that of a list fetched once cannot be told. */
static int check_rate(const struct plan_section *section, const struct plan_key *key, char *why,
		      size_t why_size)
{
	for (size_t i = 0; i < key->values.count; i++) {
		const char *value = key->values.items[i];

		if (strchr(value, '%') && !plan_section_key(section, "duration") &&
		    !plan_section_key(section, "requests"))
			return plan_complain(key->line, why, why_size,
					     "[%s] rate: %s is a share of what the cell reaches "
					     "without a rate, which needs a duration",
					     section->label, value);
	}
	return 0;
}

static int check_key(const struct plan_section *section, const struct plan_key *key, char *why,
		     size_t why_size)
{
	int err = 0;

	if (section->kind == PLAN_FETCH && strcmp(key->name, "rate") == 0)
		return check_rate(section, key, why, why_size);
	if (strcmp(key->name, "skip") == 0 || strcmp(key->name, "baseline") == 0)
		return check_terms(section, key, why, why_size);
	if (section->kind == PLAN_COMMAND) {
		if (strcmp(key->name, "rate") == 0 || strcmp(key->name, "count") == 0)
			return check_pattern(section, key, why, why_size);
		err = strcmp(key->name, "run") == 0 ? check_words(section, key, why, why_size)
						    : check_used(section, key, why, why_size);
	}
	for (size_t i = 0; i < key->values.count && !err; i++)
		err = check_filled(section, key, key->values.items[i], why, why_size);
	return err;
}

int plan_check(const struct plan_section *section, char *why, size_t why_size)
{
	const char *needed = section->kind == PLAN_COMMAND ? "run" : "model";
	int err;

	if (!plan_section_key(section, needed))
		return plan_complain(section->line, why, why_size, "[%s]: the key %s is missing",
				     section->label, needed);
	err = check_asked(section, why, why_size);
	for (unsigned k = 0; k < section->key_count && !err; k++)
		err = check_key(section, &section->keys[k], why, why_size);
	return err;
}

/* What a section needs of an origin; NULL when it needs none. */
static const char *needs_origin(const struct plan_section *section)
{
	static const char *const filled[] = {"{url}",	     "{origin}",   "{port}",
					     "{tls-origin}", "{tls-port}", "{ca}"};

	if (section->kind == PLAN_FETCH && !plan_section_key(section, "urls"))
		return "its fetches";
	for (unsigned k = 0; k < section->key_count; k++)
		for (size_t v = 0; v < section->keys[k].values.count; v++)
			for (size_t i = 0; i < sizeof(filled) / sizeof(filled[0]); i++)
				if (strstr(section->keys[k].values.items[v], filled[i]))
					return filled[i];
	return NULL;
}

int plan_check_link(const struct plan *plan, char *why, size_t why_size)
{
	if (plan->link_latency_ns && plan->link != LINK_VETH) {
		snprintf(why, why_size,
			 "link-latency is that of a veth link, and this one's link is %s; leave it "
			 "out, or take --link veth",
			 link_kind_names[plan->link]);
		return -EINVAL;
	}
	const struct plan_key *url = plan_section_key(&plan->origin, "url");

	if (url && plan->link == LINK_VETH)
		return plan_complain(url->line, why, why_size,
				     "[origin] url: an origin that runs already is not behind the "
				     "lab's link; leave out link = veth");
	if (url)
		return 0;
	for (unsigned i = 0; i < plan->section_count && plan->link == LINK_NONE; i++) {
		const struct plan_section *section = &plan->sections[i];
		const char *what = needs_origin(section);

		if (what)
			return plan_complain(section->line, why, why_size,
					     "[%s]: link = none starts no origin, for %s; say what "
					     "is to be fetched with urls =",
					     section->label, what);
	}
	return 0;
}

/* An address as "http://HOST:PORT", with nothing behind it but a '/'. */
static int check_address(const struct plan_key *key, bool tls, char *why, size_t why_size)
{
	const char *text = key->values.items[0];
	struct url url;
	char what[512];

	if (key->values.count > 1)
		return plan_complain(key->line, why, why_size,
				     "[origin] %s: it is one address, and "
				     "no factor",
				     key->name);
	if (url_parse(text, &url, what, sizeof(what)))
		return plan_complain(key->line, why, why_size, "[origin] %s: %s", key->name, what);
	if (url.tls != tls || strcmp(url.target, "/") != 0)
		return plan_complain(key->line, why, why_size,
				     "[origin] %s: '%s' is not of its form; give %s://HOST:PORT "
				     "and nothing behind it",
				     key->name, text, tls ? "https" : "http");
	return 0;
}

/* Whether some value of the workloads holds the text; *line is where. */
static bool is_used(const struct plan *plan, const char *text, const struct plan_line **line)
{
	for (unsigned i = 0; i < plan->section_count; i++) {
		const struct plan_section *section = &plan->sections[i];

		for (unsigned k = 0; k < section->key_count; k++) {
			const struct plan_key *key = &section->keys[k];

			*line = key->line;
			for (size_t v = 0; v < key->values.count; v++)
				if (strstr(key->values.items[v], text))
					return true;
		}
	}
	return false;
}

int plan_check_origin(const struct plan *plan, char *why, size_t why_size)
{
	const struct plan_key *url = plan_section_key(&plan->origin, "url");
	const struct plan_key *tls = plan_section_key(&plan->origin, "tls-url");
	const struct plan_line *line;
	int err = 0;

	if (!url && tls)
		return plan_complain(tls->line, why, why_size,
				     "[origin] tls-url: it goes with url, where the same origin is "
				     "asked without TLS");
	if (!url)
		return 0;
	for (unsigned k = 0; k < plan->origin.key_count; k++) {
		const struct plan_key *key = &plan->origin.keys[k];

		if (key != url && key != tls)
			return plan_complain(
				key->line, why, why_size,
				"[origin] %s: an origin that runs already is as it was "
				"started; it does not go with url",
				key->name);
	}
	err = check_address(url, false, why, why_size);
	if (!err && tls)
		err = check_address(tls, true, why, why_size);
	if (!err && !tls && plan_needs_tls(plan))
		return plan_complain(url->line, why, why_size,
				     "[origin] url: a cell asks by TLS; say where with tls-url = "
				     "https://HOST:PORT");
	if (!err && is_used(plan, "{ca}", &line))
		return plan_complain(
			line, why, why_size,
			"{ca} is the certificate of an origin that the lab starts; with "
			"[origin] url give a file");
	return err;
}
