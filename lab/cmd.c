/* What iolab's commands have in common: see cmd.h. */
#include "lab/cmd.h"

#include <stdio.h>
#include <string.h>

void cmd_print_json_as(json_t *object, size_t flags)
{
	if (!object || json_dumpf(object, stdout, flags) || putchar('\n') == EOF || fflush(stdout))
		status_exit(STATUS_FAILED, "--json: cannot print: %m");
	json_decref(object);
}

void cmd_print_json(json_t *object)
{
	cmd_print_json_as(object, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
}

void cmd_print_word(FILE *file, const char *word)
{
	const char *quote = strpbrk(word, " \t'\"\\$&|;<>()*?") ? "\"" : "";

	fprintf(file, "%s%s%s", quote, word, quote);
}
