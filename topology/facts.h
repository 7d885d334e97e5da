/*
 * Reading what the kernel says in small text files. Private to topology/. Paths are under
 * `root`, so that tests can show another machine; a file that is not there is no error.
 */
#ifndef TOPOLOGY_FACTS_H
#define TOPOLOGY_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define FACTS_TEXT_SIZE 4096

/*
 * The start of a file with white space made single blanks and cut off at both ends. False, and
 * "" in text, when it cannot be read or is empty.
 */
bool facts_read(const char *root, const char *path, char text[FACTS_TEXT_SIZE]);

/*
 * The value on the first line "key<separator>value", quotes and blanks around it taken off.
 */
bool facts_find(const char *root, const char *path, const char *key, char separator,
		char text[FACTS_TEXT_SIZE]);

/* Set a key, unless there is nothing to set: text NULL or "" or not UTF-8, file not there. */
void facts_set_text(json_t *object, const char *key, const char *text);
void facts_set_file(json_t *object, const char *key, const char *root, const char *path);

#endif
