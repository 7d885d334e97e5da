/* Escaping, and pictures inline: see html.h. */
#include "results/html.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "results/utf8.h"

void html_text(FILE *file, const char *text)
{
	while (*text) {
		size_t length = utf8_length(text);
		unsigned char first = (unsigned char)*text;

		if (length == 0)
			fputs(UTF8_REPLACEMENT, file);
		else if (first == '&')
			fputs("&amp;", file);
		else if (first == '<')
			fputs("&lt;", file);
		else if (first == '>')
			fputs("&gt;", file);
		else if (first == '"')
			fputs("&quot;", file);
		else if (first == '\'')
			fputs("&#39;", file);
		else if ((first < 0x20 && first != '\n' && first != '\t') || first == 0x7f)
			putc(' ', file);
		else
			fwrite(text, 1, length, file);
		text += length ? length : 1;
	}
}

void html_element(FILE *file, const char *tag, const char *class, const char *text)
{
	fprintf(file, "<%s", tag);
	if (class)
		fprintf(file, " class=\"%s\"", class);
	putc('>', file);
	html_text(file, text);
	fprintf(file, "</%s>", tag);
}

/* Whether an id is given or referred to right behind here: its length up to the name, else 0. */
static size_t id_begins(const char *text)
{
	static const char *const forms[] = {" id='",	" id=\"", "href='#",
					    "href=\"#", "url('#", "url(#"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strncmp(text, forms[i], strlen(forms[i])) == 0)
			return strlen(forms[i]);
	return 0;
}

/* Where the element of that name ends that begins here; NULL when none does. */
static const char *skip_element(const char *text, const char *open, const char *close)
{
	const char *end;

	if (strncmp(text, open, strlen(open)) != 0)
		return NULL;
	end = strstr(text, close);
	return end ? end + strlen(close) : NULL;
}

int html_svg(FILE *file, const char *svg, const char *title, const char *prefix)
{
	const char *at = strstr(svg, "<svg"), *end = strstr(svg, "</svg>");
	bool titled = false;

	if (!at || !end || end < at)
		return -EINVAL;
	for (end += strlen("</svg>"); at < end;) {
		const char *behind = skip_element(at, "<title>", "</title>");
		size_t length;

		behind = behind ? behind : skip_element(at, "<desc>", "</desc>");
		if (behind) {
			if (!titled)
				html_element(file, "title", NULL, title);
			titled = true;
			at = behind;
			continue;
		}
		length = id_begins(at);
		if (length) {
			fwrite(at, 1, length, file);
			fprintf(file, "%s-", prefix);
			at += length;
		} else {
			putc(*at++, file);
		}
	}
	putc('\n', file);
	return 0;
}
