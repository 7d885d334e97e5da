/* Scripts into the folder, and one gnuplot over all of them: see run_pages.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/run_pages.h"
#include "lab/subprocess.h"

/* Two hundred pictures take some seconds; what takes longer hangs. */
#define PATIENCE_NS UINT64_C(60000000000)

static int write_scripts(const char *folder, const struct pictures *pictures, char *why,
			 size_t why_size)
{
	for (size_t i = 0; i < pictures->count; i++) {
		const struct picture *picture = &pictures->pictures[i];
		char *script, *drawn;
		FILE *file = NULL;
		int err = 0;

		if (asprintf(&script, "%s/%s.gp", folder, picture->name) < 0)
			return -ENOMEM;
		if (asprintf(&drawn, "%s/%s.svg", folder, picture->name) < 0) {
			free(script);
			return -ENOMEM;
		}
		/* No picture of older rows may stand in for one that could not be drawn. */
		if (unlink(drawn) && errno != ENOENT)
			err = -errno;
		file = fopen(script, "we");
		if (!file || picture_write_script(picture, file))
			err = -errno;
		if (file && fclose(file))
			err = -errno;
		if (err)
			snprintf(why, why_size, "cannot write %s: %s", script, strerror(-err));
		free(script);
		free(drawn);
		if (err)
			return err;
	}
	return 0;
}

/* The command line; the names are the script's own and need no quoting anywhere. */
static char **make_command(const char *folder, const struct pictures *pictures)
{
	/* gnuplot cannot be told a folder; its settings are not the user's. */
	static char env[] = "env", gnuplot[] = "gnuplot", settings[] = "--default-settings";
	char *const head[] = {env, NULL, gnuplot, settings};
	const size_t heads = sizeof(head) / sizeof(head[0]);
	char **argv = calloc(heads + pictures->count + 1, sizeof(*argv));
	bool failed = !argv;

	if (!argv)
		return NULL;
	memcpy(argv, head, sizeof(head));
	failed = asprintf(&argv[1], "--chdir=%s", folder) < 0;
	for (size_t i = 0; i < pictures->count && !failed; i++)
		failed = asprintf(&argv[heads + i], "%s.gp", pictures->pictures[i].name) < 0;
	if (!failed)
		return argv;
	free(argv);
	return NULL;
}

static void release_command(char **argv)
{
	if (!argv)
		return;
	free(argv[1]);
	for (char **name = argv + 4; *name; name++)
		free(*name);
	free(argv);
}

static int judge(struct subprocess *child, int err, int status, char *why, size_t why_size)
{
	if (err) {
		snprintf(why, why_size, "gnuplot did not end and was killed");
		return -EIO;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	/* As env says that there is no such program. */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		snprintf(why, why_size,
			 "no pictures: gnuplot is missing (Debian's package gnuplot-nox has it)");
		return -ENOENT;
	}
	snprintf(why, why_size, "gnuplot failed: %s", subprocess_last_error(child));
	return -EIO;
}

/* Whether it ends as a picture does: gnuplot does not say when the disk was full. */
static bool is_whole(const char *path)
{
	static const char end[] = "</svg>";
	char tail[64] = "";
	FILE *file = fopen(path, "re");
	size_t length = 0;

	if (file && fseek(file, -(long)(sizeof(tail) - 1), SEEK_END) == 0)
		length = fread(tail, 1, sizeof(tail) - 1, file);
	if (file)
		fclose(file);
	while (length && strchr(" \r\n", tail[length - 1]))
		tail[--length] = '\0';
	return length >= strlen(end) && strcmp(tail + length - strlen(end), end) == 0;
}

/* Takes cut pictures away. 0, or -EIO with the first of them in why. */
static int check_drawn(const char *folder, const struct pictures *pictures, char *why,
		       size_t why_size)
{
	int err = 0;

	for (size_t i = 0; i < pictures->count; i++) {
		char *drawn;

		if (asprintf(&drawn, "%s/%s.svg", folder, pictures->pictures[i].name) < 0)
			return -ENOMEM;
		if (!is_whole(drawn)) {
			if (!err)
				snprintf(why, why_size,
					 "cannot write %s: gnuplot did not get to its end", drawn);
			err = -EIO;
			unlink(drawn);
		}
		free(drawn);
	}
	return err;
}

int run_pages_draw(const char *folder, const struct pictures *pictures, double *cpu_s, char *why,
		   size_t why_size)
{
	struct subprocess *child = calloc(1, sizeof(*child));
	char **argv = make_command(folder, pictures);
	int err = child && argv ? write_scripts(folder, pictures, why, why_size) : -ENOMEM;
	int status = 0, cut;
	char ignored[1024];

	*cpu_s = 0;
	if (err == -ENOMEM)
		snprintf(why, why_size, "out of memory for %zu pictures", pictures->count);
	if (!err && pictures->count > 0)
		err = subprocess_start(child, argv, NULL, why, why_size);
	if (!err && pictures->count > 0) {
		do {
			err = subprocess_wait(child, PATIENCE_NS, &status);
		} while (err == -EINTR);
		err = judge(child, err, status, why, why_size);
		cut = check_drawn(folder, pictures, err ? ignored : why,
				  err ? sizeof(ignored) : why_size);
		err = err ? err : cut;
		*cpu_s = child->user_s + child->system_s;
	}
	release_command(argv);
	free(child);
	return err;
}
