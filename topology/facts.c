/* Small kernel text files: see facts.h. */
#include "topology/facts.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_under(const char *root, const char *path)
{
	char whole[PATH_MAX];

	if ((size_t)snprintf(whole, sizeof(whole), "%s%s", root, path) >= sizeof(whole))
		return NULL;
	return fopen(whole, "re");
}

static void squeeze(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (!isspace((unsigned char)*from))
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	if (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

bool facts_read(const char *root, const char *path, char text[FACTS_TEXT_SIZE])
{
	FILE *file = open_under(root, path);
	size_t length = 0;

	if (file) {
		length = fread(text, 1, FACTS_TEXT_SIZE - 1, file);
		fclose(file);
	}
	text[length] = '\0';
	squeeze(text);
	return *text != '\0';
}

/* The value of "key : value" in a line, or NULL when it is another key's. */
static char *value_of(char *line, const char *key, char separator)
{
	size_t length = strlen(key);
	char *value = line + length;
	size_t last;

	if (strncmp(line, key, length) != 0)
		return NULL;
	value += strspn(value, " \t");
	if (*value++ != separator)
		return NULL;
	squeeze(value);
	last = strlen(value);
	if (last > 1 && (*value == '"' || *value == '\'') && value[last - 1] == *value) {
		value[last - 1] = '\0';
		value++;
	}
	return value;
}

bool facts_find(const char *root, const char *path, const char *key, char separator,
		char text[FACTS_TEXT_SIZE])
{
	FILE *file = open_under(root, path);
	char *line = NULL, *value = NULL;
	size_t size = 0;

	*text = '\0';
	if (!file)
		return false;
	while (!value && getline(&line, &size, file) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		value = value_of(line, key, separator);
		if (value)
			snprintf(text, FACTS_TEXT_SIZE, "%s", value);
	}
	free(line);
	fclose(file);
	return *text != '\0';
}

void facts_set_text(json_t *object, const char *key, const char *text)
{
	if (text && *text)
		(void)json_object_set_new(object, key, json_string(text));
}

void facts_set_file(json_t *object, const char *key, const char *root, const char *path)
{
	char text[FACTS_TEXT_SIZE];

	if (facts_read(root, path, text))
		facts_set_text(object, key, text);
}
