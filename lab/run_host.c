/* The host in a run's folder: see run_host.h. */
#include "lab/run_host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/host_facts.h"
#include "lab/status.h"
#include "results/run_files.h"
#include "topology/fingerprint.h"

#define RESUMED_JSON "resumed.json"
/* Differences that are named; the others are counted. */
#define SHOWN 4

static json_t *facts_now(uint64_t place)
{
	char why[512];
	json_t *host;

	if (host_facts((enum place_policy)place, NULL, &host, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
	return host;
}

static json_t *read_host(const struct run_folder *f)
{
	json_t *host = json_load_file(run_folder_file(f, "host.json"), 0, NULL);

	if (json_is_object(host))
		return host;
	json_decref(host);
	return NULL;
}

/* A file that was cut has not the end that hwloc gives it. */
static bool is_whole_topology(const char *path)
{
	static const char end[] = "</topology>";
	char tail[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	size_t length = sizeof(tail) - 1;
	bool read;

	if (size < (off_t)length)
		length = size > 0 ? (size_t)size : 0;
	read = fd >= 0 && pread(fd, tail, length, size - (off_t)length) == (ssize_t)length;
	if (fd >= 0)
		close(fd);
	return read && strstr(tail, end) != NULL;
}

void run_host_write(const struct run_folder *f, uint64_t place, const struct link *link)
{
	char made[sizeof(f->path) + 64], why[512];
	json_t *host = read_host(f);

	if (!host) {
		host = facts_now(place);
		if (json_object_set_new(host, "link", link_facts(link)))
			status_exit(STATUS_UNABLE, "out of memory");
		run_folder_write_json(f, "host.json", json_incref(host));
	}
	json_decref(host);
	if (is_whole_topology(run_folder_file(f, "topology.xml")))
		return;
	snprintf(made, sizeof(made), "%s", run_folder_beside(f, "topology.xml"));
	if (fingerprint_export_topology(made, why, sizeof(why)))
		status_exit(STATUS_FAILED, "%s", why);
	run_folder_put(f, "topology.xml");
}

/* What differs, counted and, as far as there is room, in words. */
struct differences {
	unsigned count;
	char text[1024];
};

/* A fact as it stands in JSON; "nothing" where it is absent. */
static void show(const json_t *fact, char text[static 64])
{
	char *said = fact ? json_dumps(fact, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	size_t length = said ? strlen(said) : 0;

	/* A long text, as a command line is, by its beginning. */
	snprintf(text, 64, "%.55s%s", said ? said : "nothing", length > 55 ? "..." : "");
	free(said);
}

static void add(struct differences *d, const char *what, const json_t *then, const json_t *now)
{
	size_t used = strlen(d->text);
	char before[64], after[64];

	if (d->count++ >= SHOWN)
		return;
	show(then, before);
	show(now, after);
	snprintf(d->text + used, sizeof(d->text) - used, "%s%.80s was %s and is %s",
		 used ? ", " : "", what, before, after);
}

/* Compares what is below two objects, either of which may lack what the other has. */
static void compare(struct differences *d, const char *path, const json_t *then, const json_t *now)
{
	json_t *all = json_object(), *value;
	const char *key;

	if (!all || json_object_update(all, (json_t *)now) ||
	    json_object_update_missing(all, (json_t *)then))
		status_exit(STATUS_UNABLE, "out of memory");
	json_object_foreach(all, key, value)
	{
		const json_t *one = json_object_get(then, key), *other = json_object_get(now, key);
		char what[256];

		snprintf(what, sizeof(what), "%s.%s", path, key);
		if (json_is_object(one) && json_is_object(other))
			compare(d, what, one, other);
		else if (!json_equal((json_t *)one, (json_t *)other))
			add(d, what, one, other);
	}
	json_decref(all);
}

static void find_differences(const json_t *then, const json_t *now, struct differences *d)
{
	/* Neither limits of the shell, nor what else goes on, nor memory as it was left over. */
	static const char *const groups[] = {"iolab", "kernel", "cpu", "sysctl", "libraries"};
	const json_t *one = json_object_get(json_object_get(then, "host"), "hypervisor");
	const json_t *other = json_object_get(json_object_get(now, "host"), "hypervisor");
	size_t used;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		compare(d, groups[i], json_object_get(then, groups[i]),
			json_object_get(now, groups[i]));
	if ((one || other) && !json_equal((json_t *)one, (json_t *)other))
		add(d, "host.hypervisor", one, other);
	used = strlen(d->text);
	if (d->count > SHOWN)
		snprintf(d->text + used, sizeof(d->text) - used, ", and %u more", d->count - SHOWN);
}

/* One text for each time that it was gone on with elsewhere. */
static json_t *read_resumed(const struct run_folder *f)
{
	json_t *resumed = json_load_file(run_folder_file(f, RESUMED_JSON), 0, NULL);

	if (json_is_array(json_object_get(resumed, "differences")))
		return resumed;
	json_decref(resumed);
	return json_pack("{s:i, s:[]}", "schema_version", RUN_FILES_SCHEMA_VERSION, "differences");
}

static void keep(const struct run_folder *f, const char *text)
{
	json_t *resumed = read_resumed(f);
	json_t *all = json_object_get(resumed, "differences"), *said;
	size_t i;

	json_array_foreach(all, i, said)
	{
		if (strcmp(json_string_value(said) ? json_string_value(said) : "", text) == 0) {
			json_decref(resumed);
			return;
		}
	}
	if (json_array_append_new(all, json_string(text)))
		status_exit(STATUS_UNABLE, "out of memory");
	run_folder_write_json(f, RESUMED_JSON, resumed);
}

void run_host_check(const struct run_folder *f, uint64_t place, bool anyway)
{
	struct differences d = {.count = 0};
	json_t *then = read_host(f), *now;

	if (!then) {
		if (access(run_folder_file(f, "host.json"), F_OK) == 0)
			status_warn("%s cannot be read and is written anew: whether the host is "
				    "the same cannot be told",
				    run_folder_file(f, "host.json"));
		return;
	}
	now = facts_now(place);
	find_differences(then, now, &d);
	json_decref(then);
	json_decref(now);
	if (d.count == 0)
		return;
	if (!anyway)
		status_exit(STATUS_USAGE,
			    "%s: it was begun on another host, or by another lab: %s; begin a new "
			    "run, or give --resume-anyway",
			    f->path, d.text);
	status_warn("%s: gone on with although %s", f->path, d.text);
	keep(f, d.text);
}

const char *run_host_note(const struct run_folder *f, char *text, size_t size)
{
	json_t *resumed = read_resumed(f), *said;
	size_t i, used = 0;

	text[0] = '\0';
	json_array_foreach(json_object_get(resumed, "differences"), i, said)
	{
		if (json_string_value(said) && used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "; " : "",
						 json_string_value(said));
	}
	json_decref(resumed);
	return text;
}
