/* Builds a cell's command line: see cell.h. */
#include "lab/cell.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/fetch/models.h"
#include "lab/status.h"
#include "lab/units.h"

const char *const cell_filled[] = {"url", "origin", "port",    "tls-origin", "tls-port",
				   "ca",  "cpus",   "clients", NULL};

static char *print(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *print(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		status_exit(STATUS_UNABLE, "out of memory");
	va_end(arguments);
	return text;
}

char *cell_program(const char *name)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		status_exit(STATUS_UNABLE, "cannot tell where the lab's executables are: %m");
	self[length] = 0;
	*strrchr(self, '/') = 0;
	return print("%s/%s", self, name);
}

static void add(struct cell_command *command, char *argument)
{
	if (command->count + 1 == CELL_ARGUMENTS_MAX)
		status_exit(STATUS_UNABLE, "a cell's command line has more than %d words",
			    CELL_ARGUMENTS_MAX - 1);
	command->argv[command->count++] = argument;
	command->argv[command->count] = NULL;
}

static const char *port_of(const char *url)
{
	const char *colon = strrchr(url, ':');

	return colon ? colon + 1 : "";
}

bool cell_tls(const struct plan_cell *cell)
{
	const char *tls = plan_value(cell, "tls");

	return tls && strcmp(tls, "yes") == 0;
}

bool cell_asks_origin(const struct plan_cell *cell)
{
	const char *text = plan_value(cell, cell->section->kind == PLAN_COMMAND ? "run" : "urls");

	if (cell->section->kind == PLAN_FETCH && !text)
		return true;
	return text && (strstr(text, "{url}") || strstr(text, "{origin}") ||
			strstr(text, "{tls-") || strstr(text, "{port}"));
}

bool cell_asks_lab(const struct plan_cell *cell)
{
	const char *text = plan_value(cell, cell->section->kind == PLAN_COMMAND ? "run" : "urls");
	const char *latency = plan_value(cell, "latency");
	uint64_t ns;

	if (!cell_asks_origin(cell) || plan_value(cell, "path"))
		return false;
	/* Where the address alone is put in, the rest is the plan's own business. */
	if (text && !strstr(text, "{url}"))
		return false;
	return plan_value(cell, "body") || (latency && units_duration(latency, &ns) == 0 && ns);
}

/* Where the cell's fetches go, by what it asks of the origin. */
static char *asked_url(const struct plan_cell *cell, const struct cell_world *world)
{
	const char *latency = plan_value(cell, "latency");
	const char *body = plan_value(cell, "body");
	const char *path = plan_value(cell, "path");
	const char *url = cell_tls(cell) ? world->tls_url : world->url;
	uint64_t number;

	if (path)
		return print("%s%s%s", url, *path == '/' ? "" : "/", path);
	if (latency && units_duration(latency, &number) == 0 && number) {
		/* This path's latency stands instead of what the origin was started with. */
		if (world->origin_latency_ns)
			return print("%s/delay/%" PRIu64 "ns", url,
				     number + world->origin_latency_ns);
		return print("%s/delay/%s", url, latency);
	}
	if (body && units_size(body, &number) == 0)
		return print("%s/bytes/%llu", url, (unsigned long long)number);
	return print("%s/", url);
}

/* What stands for {name}; NULL when it is no such name. The caller frees it. */
static char *filled(const struct plan_cell *cell, const struct cell_world *world, const char *name)
{
	const char *value = plan_value(cell, name);

	if (strcmp(name, "url") == 0)
		return asked_url(cell, world);
	if (strcmp(name, "origin") == 0)
		return print("%s", world->url);
	if (strcmp(name, "port") == 0)
		return print("%s", port_of(world->url));
	if (strcmp(name, "tls-origin") == 0)
		return print("%s", world->tls_url);
	if (strcmp(name, "tls-port") == 0)
		return print("%s", port_of(world->tls_url));
	if (strcmp(name, "ca") == 0)
		return print("%s", world->ca);
	if (strcmp(name, "cpus") == 0)
		return print("%s", world->client);
	if (strcmp(name, "clients") == 0)
		return print("%s", world->clients);
	return value ? print("%s", value) : NULL;
}

/* The text with every {name} filled in; the caller frees it. */
static char *fill(const struct plan_cell *cell, const struct cell_world *world, const char *text)
{
	char *made = NULL;
	size_t size;
	FILE *out = open_memstream(&made, &size);

	if (!out)
		status_exit(STATUS_UNABLE, "out of memory");
	for (char before = 0; *text;) {
		/* "%{" is curl's. */
		size_t length = *text == '{' && before != '%' ? strcspn(text, "}") : 0;
		char name[64] = "";
		char *value = NULL;

		if (length > 1 && length <= sizeof(name) && text[length] == '}') {
			snprintf(name, sizeof(name), "%.*s", (int)length - 1, text + 1);
			value = filled(cell, world, name);
		}
		if (value) {
			fputs(value, out);
			text += length + 1;
			before = 0;
		} else {
			before = *text;
			putc(*text++, out);
		}
		free(value);
	}
	if (fclose(out))
		status_exit(STATUS_UNABLE, "out of memory");
	return made;
}

/* Adds the words of a value with blanks between, such as a list of URLs. */
static void add_words(struct cell_command *command, const struct plan_cell *cell,
		      const struct cell_world *world, const char *words)
{
	char *text = fill(cell, world, words);
	char *rest = text;

	for (char *word; (word = strsep(&rest, " \t"));)
		if (*word)
			add(command, print("%s", word));
	free(text);
}

/*
 * The keys that are options of the executable, in the plan's order. A model with one connection a
 * worker gets its concurrency from threads, on one core, unless the plan says how many of those.
 */
static void add_options(struct cell_command *command, const struct plan_cell *cell,
			const struct cell_world *world)
{
	const struct plan_section *section = cell->section;
	bool lanes_are_threads = section->kind == PLAN_FETCH &&
				 models_find(plan_model(cell))->one_lane &&
				 !plan_value(cell, "threads") && !plan_value(cell, "processes");

	for (unsigned k = 0; k < section->key_count; k++) {
		const struct plan_key *key = &section->keys[k];
		const char *name = key->name;
		char *value;

		if (!key->passed || !cell->values[k])
			continue;
		if (key->row->kind == OPTION_FLAG) {
			if (strcmp(cell->values[k], "yes") == 0)
				add(command, print("--%s", name));
			continue;
		}
		if (lanes_are_threads && strcmp(name, "connections") == 0)
			name = "threads";
		value = fill(cell, world, cell->values[k]);
		add(command, print("--%s=%s", name, value));
		free(value);
	}
}

static void make_own(struct cell_command *command, const struct plan_cell *cell,
		     const struct cell_world *world)
{
	enum plan_kind kind = cell->section->kind;
	char *name = print("%s-%s", plan_kind_names[kind], plan_model(cell));
	const char *operands = plan_value(cell, kind == PLAN_SUMSQ ? "jobs" : "urls");

	add(command, cell_program(name));
	free(name);
	add(command, print("--json"));
	add_options(command, cell, world);
	if (!plan_value(cell, "cpus") && !plan_value(cell, "place")) {
		/* The origin sleeps while sums are made: pools have all the cores. */
		if (kind == PLAN_SUMSQ && strcmp(plan_model(cell), "serial") != 0)
			add(command, print("--place=cores"));
		else
			add(command, print("--cpus=%s", world->client));
	}
	/* Its certificate is made anew each time: only this origin's CA vouches for it. */
	if (kind == PLAN_FETCH && cell_tls(cell) && world->ca[0] && !plan_value(cell, "cacert") &&
	    !plan_value(cell, "insecure"))
		add(command, print("--cacert=%s", world->ca));
	if (operands)
		add_words(command, cell, world, operands);
	else if (kind == PLAN_FETCH)
		add(command, asked_url(cell, world));
}

static void make_external(struct cell_command *command, const struct plan_cell *cell,
			  const struct cell_world *world)
{
	const char *cpus = plan_value(cell, "cpus");
	char **words;

	if (cell_words(plan_value(cell, "run"), &words))
		status_exit(STATUS_UNABLE, "out of memory");
	for (char **word = words; *word; word++) {
		add(command, fill(cell, world, *word));
		free(*word);
	}
	free(words);
	if (!cpus)
		command->cpus = world->client;
	else if (strcmp(cpus, "all") != 0)
		command->cpus = cpus;
}

void cell_command_make(struct cell_command *command, const struct plan_cell *cell,
		       const struct cell_world *world)
{
	memset(command, 0, sizeof(*command));
	if (cell->section->kind == PLAN_COMMAND)
		make_external(command, cell, world);
	else
		make_own(command, cell, world);
}

void cell_command_release(struct cell_command *command)
{
	for (unsigned i = 0; i < command->count; i++)
		free(command->argv[i]);
	memset(command, 0, sizeof(*command));
}

/* Copies one word from *at into `word`, which has room; false when a quote is not closed. */
static bool take_word(const char **at, char *word)
{
	char quote = 0;

	for (; **at && (quote || !strchr(" \t", **at)); ++*at) {
		if (quote ? **at == quote : **at == '\'' || **at == '"')
			quote = quote ? 0 : **at;
		else
			*word++ = **at;
	}
	*word = '\0';
	return !quote;
}

int cell_words(const char *line, char ***words)
{
	/* No more words than every second byte, and no longer than the whole. */
	size_t length = strlen(line), count = 0;
	char **made = calloc(length / 2 + 2, sizeof(*made));
	char *word = malloc(length + 1);
	int err = made && word ? 0 : -ENOMEM;

	while (!err && *(line += strspn(line, " \t"))) {
		if (!take_word(&line, word))
			err = -EINVAL;
		else if (!(made[count++] = strdup(word)))
			err = -ENOMEM;
	}
	if (!err && count == 0)
		err = -EINVAL;
	free(word);
	if (!err) {
		*words = made;
		return 0;
	}
	for (size_t i = 0; made && i < count; i++)
		free(made[i]);
	free(made);
	return err;
}
