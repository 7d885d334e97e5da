/* Lines, includes and the environment: see plan_lines.h. */
#include "lab/plan_lines.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "results/utf8.h"

struct reading {
	struct plan_lines *plan;
	char *open[PLAN_INCLUDES_MAX]; /* real paths of the files being read, outermost first */
	unsigned depth;
	bool in_workload; /* a section other than [experiment] has begun */
	char *why;
	size_t why_size;
};

/* Where a line is, while it is looked at. */
struct place {
	const char *file;
	unsigned number;
};

static int complain(struct reading *r, struct place at, int err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static int complain(struct reading *r, struct place at, int err, const char *format, ...)
{
	va_list arguments;
	int used = at.number ? snprintf(r->why, r->why_size, "%s:%u: ", at.file, at.number) : 0;

	va_start(arguments, format);
	if (used >= 0 && (size_t)used < r->why_size)
		vsnprintf(r->why + used, r->why_size - (size_t)used, format, arguments);
	va_end(arguments);
	return err;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *trim(char *text)
{
	size_t length;

	while (is_blank(*text))
		text++;
	length = strlen(text);
	while (length && is_blank(text[length - 1]))
		text[--length] = '\0';
	return text;
}

char *plan_lines_cut(char *line)
{
	char *equals = strchr(line, '=');

	if (!equals)
		return NULL;
	*equals = '\0';
	trim(line); /* has no blank in front: only its end is cut */
	return *line ? trim(equals + 1) : NULL;
}

static bool is_comment(const char *line)
{
	while (is_blank(*line))
		line++;
	return *line == ';' || *line == '#';
}

/* A copy of the line with every ${NAME} replaced; NULL with why written. */
static char *expand(struct reading *r, struct place at, const char *line)
{
	char *made = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&made, &size);

	while (out && *line) {
		const char *end = strncmp(line, "${", 2) == 0 ? strchr(line, '}') : NULL;
		char name[128];
		const char *value, *wrong;

		if (strncmp(line, "$${", 3) == 0) {
			fputs("${", out);
			line += 3;
			continue;
		}
		if (!end) {
			putc(*line++, out);
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(end - line - 2), line + 2);
		value = getenv(name);
		wrong = !value		      ? "the environment has no variable %s"
			: strchr(value, '\n') ? "the environment's variable %s is more than one "
						"line"
			: utf8_strange(value) ? "the environment's variable %s is not UTF-8"
					      : NULL;
		if (wrong) {
			complain(r, at, -EINVAL, wrong, name);
			fclose(out);
			free(made);
			return NULL;
		}
		fputs(value, out);
		line = end + 1;
	}
	if (!out || fclose(out)) {
		complain(r, at, -ENOMEM, "out of memory");
		return NULL;
	}
	return made;
}

/* Adds a line to the flat text: a comment or an empty line too. */
static int write_flat(struct reading *r, struct place at, const char *text)
{
	size_t before = strlen(r->plan->flat), length = strlen(text);
	/* A '\' that joined nothing here must not do so there: a blank behind keeps it. */
	const char *end = length && text[length - 1] == '\\' ? " \n" : "\n";
	char *grown;

	/* What is read from it again, to go on with a run, is one file. */
	if (before + length + strlen(end) > PLAN_FILE_MAX)
		return complain(r, at, -EFBIG,
				"the plan, with what it includes, is more than %zu bytes",
				PLAN_FILE_MAX);
	grown = realloc(r->plan->flat, before + length + strlen(end) + 1);
	if (!grown)
		return complain(r, at, -ENOMEM, "out of memory");
	r->plan->flat = grown;
	stpcpy(stpcpy(grown + before, text), end);
	return 0;
}

/* The same with every ${ written so that it is none of a variable. */
static int write_escaped(struct reading *r, struct place at, const char *text)
{
	char *escaped = malloc(2 * strlen(text) + 1);
	char *to = escaped;
	int err;

	if (!escaped)
		return complain(r, at, -ENOMEM, "out of memory");
	for (const char *from = text; *from; from++) {
		if (strncmp(from, "${", 2) == 0)
			*to++ = '$';
		*to++ = *from;
	}
	*to = '\0';
	err = write_flat(r, at, escaped);
	free(escaped);
	return err;
}

static int keep(struct reading *r, struct place at, const char *text)
{
	struct plan_lines *plan = r->plan;
	struct plan_line *grown = realloc(plan->lines, (plan->count + 1) * sizeof(*grown));

	if (!grown)
		return complain(r, at, -ENOMEM, "out of memory");
	plan->lines = grown;
	grown += plan->count;
	*grown = (struct plan_line){strdup(text), at.file, at.number};
	if (!grown->text)
		return complain(r, at, -ENOMEM, "out of memory");
	plan->count++;
	return write_escaped(r, at, text);
}

/* The whole of a file as a text; NULL with errno. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = malloc(PLAN_FILE_MAX + 1);
	size_t length = 0;
	int err = file && text ? 0 : errno;

	if (!err) {
		length = fread(text, 1, PLAN_FILE_MAX + 1, file);
		if (ferror(file))
			err = errno;
		else if (length > PLAN_FILE_MAX)
			err = EFBIG;
		else if (memchr(text, '\0', length))
			err = EILSEQ;
		else
			text[length] = '\0';
	}
	if (file)
		fclose(file);
	if (!err)
		return text;
	free(text);
	errno = err;
	return NULL;
}

static int take_text(struct reading *r, const char *path, const char *text);

/* Reads a file in the place of the line that names it. */
static int take_file(struct reading *r, struct place at, const char *path)
{
	char *real = realpath(path, NULL);
	char *text = NULL;
	int err = 0;
	struct stat status;

	/* The plan itself may come through a pipe; an included file that never ends is a slip. */
	if (real && at.number && stat(real, &status) == 0 && !S_ISREG(status.st_mode))
		errno = EINVAL;
	else if (real)
		text = read_file(real);
	if (!real || !text) {
		err = complain(r, at, errno ? -errno : -EIO, "cannot read the plan %s: %s", path,
			       strerror(errno));
		goto out;
	}
	for (unsigned i = 0; i < r->depth && !err; i++)
		if (strcmp(r->open[i], real) == 0)
			err = complain(r, at, -ELOOP, "include: %s would include itself", path);
	if (!err && r->depth == PLAN_INCLUDES_MAX)
		err = complain(r, at, -ELOOP, "include: more than %d files one within another",
			       PLAN_INCLUDES_MAX);
	if (!err) {
		r->open[r->depth++] = real;
		err = take_text(r, path, text);
		r->depth--;
	}
out:
	free(real);
	free(text);
	return err;
}

static int include(struct reading *r, struct place at, const char *path)
{
	const char *slash = strrchr(at.file, '/');
	char *whole;
	int err;

	if (r->in_workload)
		return complain(r, at, -EINVAL,
				"include: it stands before the first section or in [experiment]");
	if (!*path)
		return complain(r, at, -EINVAL, "include: names no file");
	if (asprintf(&whole, "%.*s%s", *path != '/' && slash ? (int)(slash + 1 - at.file) : 0,
		     at.file, path) < 0)
		return complain(r, at, -ENOMEM, "out of memory");
	err = take_file(r, at, whole);
	free(whole);
	/* Whatever section the file ended in, the including one goes on in its own. */
	r->in_workload = false;
	return err ? err : keep(r, at, "[experiment]");
}

/* One whole line, continued ones joined. */
static int take_line(struct reading *r, struct place at, char *raw)
{
	char *line = trim(raw);
	char *value;
	int err;

	if (!*line || *line == ';' || *line == '#')
		return write_flat(r, at, line);
	line = expand(r, at, line);
	if (!line)
		return -EINVAL;
	if (*line == '[')
		r->in_workload = strcmp(line, "[experiment]") != 0;
	value = strncmp(line, "include", 7) == 0 ? strdup(line) : NULL;
	if (value && plan_lines_cut(value) && strcmp(value, "include") == 0)
		err = include(r, at, plan_lines_cut(line));
	else
		err = keep(r, at, line);
	free(value);
	free(line);
	return err;
}

/* Joined lines count as one. */
static int check_utf8(struct reading *r, struct place at, const char *line)
{
	size_t byte = utf8_strange(line);

	if (!byte)
		return 0;
	return complain(r, at, -EILSEQ, "byte %zu, 0x%02x, is not UTF-8; save the plan as UTF-8",
			byte, (unsigned char)line[byte - 1]);
}

static int take_text(struct reading *r, const char *path, const char *text)
{
	struct plan_lines *plan = r->plan;
	char **grown = realloc(plan->files, (plan->file_count + 1) * sizeof(*grown));
	char *copy = strdup(text), *name = strdup(path);
	struct place at = {.file = name};
	unsigned number = 0;
	int err = 0;

	plan->files = grown ? grown : plan->files;
	if (!grown || !copy || !name) {
		free(copy);
		free(name);
		return complain(r, (struct place){0}, -ENOMEM, "out of memory");
	}
	plan->files[plan->file_count++] = name;
	for (char *line = copy; line && !err;) {
		char *end = strchrnul(line, '\n');
		char *next = *end ? end + 1 : NULL;

		at.number = ++number;
		while (next && end > line && end[-1] == '\\' && !is_comment(line)) {
			end[-1] = *end = ' ';
			end = strchrnul(next, '\n');
			next = *end ? end + 1 : NULL;
			number++;
		}
		*end = '\0';
		err = check_utf8(r, at, line);
		if (!err)
			err = take_line(r, at, line);
		/* What follows the last newline is no line. */
		line = next && *next ? next : NULL;
	}
	free(copy);
	return err;
}

int plan_lines_read(struct plan_lines *plan, const char *path, const char *text, char *why,
		    size_t why_size)
{
	struct reading r = {.plan = plan, .why = why, .why_size = why_size};

	memset(plan, 0, sizeof(*plan));
	plan->flat = strdup("");
	if (!plan->flat)
		return complain(&r, (struct place){0}, -ENOMEM, "out of memory");
	return text ? take_text(&r, path, text) : take_file(&r, (struct place){0}, path);
}

void plan_lines_release(struct plan_lines *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		free(plan->lines[i].text);
	for (size_t i = 0; i < plan->file_count; i++)
		free(plan->files[i]);
	free(plan->lines);
	free(plan->files);
	free(plan->flat);
	memset(plan, 0, sizeof(*plan));
}
