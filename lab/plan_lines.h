/*
 * A plan's text before it means anything: lines joined, included files put in their place, the
 * environment's variables put in, and every line with the file and number it came from, so that
 * whatever is wrong later can be pointed at.
 *
 *	; or # at the beginning of a line makes it a comment
 *	a \ at its end lets a line go on in the next one
 *	include = FILE, before the first section or in [experiment], relative to the including file
 *	${NAME} is the environment's variable; without it there is no plan
 *	$${ stands for ${ itself
 *
 * All of it is UTF-8, since names and values go into JSON. The flat text of what was read can be
 * read again to the same end: a ${ that came out of a variable is written as $${ there.
 */
#ifndef LAB_PLAN_LINES_H
#define LAB_PLAN_LINES_H

#include <stddef.h>

#define PLAN_INCLUDES_MAX 16			/* files, one within another */
#define PLAN_FILE_MAX	  ((size_t)1024 * 1024) /* bytes of a file, and of all of them */

struct plan_line {
	char *text;	  /* without blanks at its ends; never empty, no comment */
	const char *file; /* as it was named */
	unsigned number;
};

struct plan_lines {
	struct plan_line *lines;
	size_t count;
	char *flat; /* all lines again, one below another: a plan that needs no other file */
	char **files;
	size_t file_count;
};

/*
 * Reads the file at path, or with text not NULL that text, path being its name only. Returns 0, or
 * -errno with one line in why that begins with file and line. Release with plan_lines_release() in
 * either case.
 */
int plan_lines_read(struct plan_lines *plan, const char *path, const char *text, char *why,
		    size_t why_size);
void plan_lines_release(struct plan_lines *plan);

/*
 * Cuts "KEY = VALUE" in two, in place, without the blanks round them; NULL when it has no '=' or
 * nothing before it. Returns the value, which may be empty; the key is then all of `line`.
 */
char *plan_lines_cut(char *line);

#endif
