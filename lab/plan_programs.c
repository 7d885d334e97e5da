/*
 * That the programs of a plan's commands are there: found out before anything runs, and not when
 * every row of theirs has failed.
 */
#include "lab/plan_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/cell.h"

/* 0 when that file can be executed by this user, else -errno. */
static int try_file(const char *path)
{
	struct stat status;

	if (stat(path, &status) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS))
		return -errno;
	return S_ISREG(status.st_mode) ? 0 : -EACCES;
}

/*
 * In the folders of PATH, of which an empty one is the current one. What may not be executed is
 * told only when no other folder has the name. 0 or -errno.
 */
static int search(const char *name)
{
	const char *path = getenv("PATH");
	char standard[256] = "/bin:/usr/bin", *folders, *rest, *folder;
	int found = -ENOENT;

	if (!path)
		confstr(_CS_PATH, standard, sizeof(standard));
	rest = folders = strdup(path ? path : standard);
	if (!folders)
		return -ENOMEM;
	while (found && (folder = strsep(&rest, ":"))) {
		char *file;
		int err;

		if (asprintf(&file, "%s%s%s", folder, *folder ? "/" : "", name) < 0) {
			found = -ENOMEM;
			break;
		}
		err = try_file(file);
		found = err == 0 || err == -EACCES ? err : found;
		free(file);
	}
	free(folders);
	return found;
}

/* Words that stand for what only the runner knows. */
static const struct cell_world unknown = {.client = "{cpus}",
					  .clients = "{clients}",
					  .url = "{origin}",
					  .tls_url = "{tls-origin}",
					  .ca = "{ca}"};

static int check_cell(const struct plan_cell *cell, char *why, size_t why_size)
{
	const struct plan_key *key = plan_section_key(cell->section, "run");
	struct cell_command command;
	const char *name;
	int err = 0;

	cell_command_make(&command, cell, &unknown);
	name = command.argv[0];
	if (!strchr(name, '{'))
		err = strchr(name, '/') ? try_file(name) : search(name);
	if (err) {
		plan_complain(key->line, why, why_size, "[%s] run: cannot run '%s': %s%s",
			      cell->section->label, name,
			      err == -ENOENT && !strchr(name, '/') ? "no folder of PATH has it"
								   : strerror(-err),
			      err == -ENOENT ? "; install it, or give the path of another" : "");
		err = -EINVAL;
	}
	cell_command_release(&command);
	return err;
}

int plan_check_programs(const struct plan *plan, char *why, size_t why_size)
{
	int err = 0;

	for (unsigned i = 0; i < plan->cell_count && !err; i++)
		if (plan->cells[i].section->kind == PLAN_COMMAND)
			err = check_cell(&plan->cells[i], why, why_size);
	return err;
}
