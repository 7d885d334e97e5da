/*
 * HTML that is XML too: every text escaped, every element closed, so that a strict parser reads
 * it. Names come from plans, and plans from anybody.
 */
#ifndef RESULTS_HTML_H
#define RESULTS_HTML_H

#include <stdio.h>

/*
 * A text, in an element or in a quoted attribute. Control characters but newline and tab become
 * blanks; bytes that are not UTF-8 become U+FFFD.
 */
void html_text(FILE *file, const char *text);

/* <tag>text</tag>, with class="class" if it is not NULL. */
void html_element(FILE *file, const char *tag, const char *class, const char *text);

/*
 * An SVG as gnuplot writes it, inline: without its XML head, with `title` for its own, and with
 * "PREFIX-" before each of its ids, which all pictures of gnuplot's share. 0, or -EINVAL when it
 * is no SVG, and nothing was written.
 */
int html_svg(FILE *file, const char *svg, const char *title, const char *prefix);

#endif
