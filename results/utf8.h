/* Characters that a file for people may hold: UTF-8, and what XML allows. */
#ifndef RESULTS_UTF8_H
#define RESULTS_UTF8_H

#include <stddef.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/*
 * Bytes of the character that a text (NUL-terminated, not at its end) begins with; 0 when it
 * begins with none: no UTF-8, a surrogate, U+FFFE, U+FFFF. Control characters are characters.
 */
size_t utf8_length(const char *text);

/* Which byte of a text, counted from 1, begins no character; 0 when all are some. */
size_t utf8_strange(const char *text);

#endif
