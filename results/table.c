/*
 * The table writer: cells are kept until all widths are known. Width is worked out here and not
 * by wcwidth(), which answers for the locale of the process; the output is UTF-8 in any.
 */
#include "results/table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BOLD  "\033[1m"
#define PLAIN "\033[0m"
#define GAP   2

struct table {
	size_t columns;
	enum table_side *sides;
	char **cells; /* the headings are the first row */
	size_t count;
	size_t room;
	bool failed; /* memory ran out: reported once, by table_write() */
};

/* One character; *length its bytes. What is no UTF-8 is one byte, U+FFFD. */
static uint32_t decode(const char *text, size_t *length)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	const unsigned char *byte = (const unsigned char *)text;
	size_t more = byte[0] >= 0xf0 && byte[0] < 0xf8	  ? 3
		      : byte[0] >= 0xe0 && byte[0] < 0xf0 ? 2
		      : byte[0] >= 0xc0 && byte[0] < 0xe0 ? 1
							  : 0;
	uint32_t character = more ? byte[0] & (0x3fU >> more) : byte[0];

	*length = 1;
	for (size_t i = 1; i <= more; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0xfffd;
		character = character << 6 | (byte[i] & 0x3f);
	}
	if (character < least[more] || (more == 0 && byte[0] >= 0x80))
		return 0xfffd;
	*length = 1 + more;
	return character;
}

/* Combining marks take no column, East Asian wide characters and emoji two (Unicode TR 11). */
static size_t columns_of(uint32_t character)
{
	static const struct {
		uint32_t first, last;
		unsigned columns;
	} odd[] = {
		{0x0300, 0x036f, 0}, {0x200b, 0x200f, 0},   {0xfe00, 0xfe0f, 0},
		{0x1100, 0x115f, 2}, {0x2e80, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},
		{0xf900, 0xfaff, 2}, {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},
		{0xffe0, 0xffe6, 2}, {0x1f300, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
	};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		if (character >= odd[i].first && character <= odd[i].last)
			return odd[i].columns;
	}
	return 1;
}

size_t table_width(const char *text)
{
	size_t width = 0;
	size_t length;

	for (; *text; text += length)
		width += columns_of(decode(text, &length));
	return width;
}

bool table_color(bool is_terminal)
{
	const char *no_color = getenv("NO_COLOR");

	return is_terminal && (!no_color || !*no_color);
}

static void put_spaces(FILE *file, size_t count)
{
	fprintf(file, "%*s", (int)count, "");
}

/* As many bytes of the text as take at most `width` columns; *taken the columns. */
static size_t fitting(const char *text, size_t width, size_t *taken)
{
	const char *at = text;
	size_t length;

	*taken = 0;
	while (*at) {
		size_t columns = columns_of(decode(at, &length));

		if (*taken + columns > width)
			break;
		*taken += columns;
		at += length;
	}
	return (size_t)(at - text);
}

void table_put(FILE *file, const char *text, size_t width, enum table_side side)
{
	size_t taken = table_width(text);

	if (taken > width) {
		size_t bytes = fitting(text, width ? width - 1 : 0, &taken);

		fprintf(file, "%.*s%s", (int)bytes, text, width ? "…" : "");
		put_spaces(file, width ? width - 1 - taken : 0);
		return;
	}
	if (side == TABLE_RIGHT)
		put_spaces(file, width - taken);
	fputs(text, file);
	if (side == TABLE_LEFT)
		put_spaces(file, width - taken);
}

struct table *table_new(size_t columns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	table->sides = calloc(columns, sizeof(*table->sides));
	if (!table->sides) {
		free(table);
		return NULL;
	}
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table->sides);
	free(table);
}

void table_cell(struct table *table, const char *text)
{
	char *copy = strdup(text && *text ? text : TABLE_EMPTY);

	if (copy && table->count == table->room) {
		size_t room = table->room ? 2 * table->room : 64;
		char **cells = reallocarray(table->cells, room, sizeof(*cells));

		if (cells) {
			table->cells = cells;
			table->room = room;
		}
	}
	if (!copy || table->count == table->room) {
		free(copy);
		table->failed = true;
		return;
	}
	table->cells[table->count++] = copy;
}

void table_heading(struct table *table, const char *text, enum table_side side)
{
	if (table->count < table->columns)
		table->sides[table->count] = side;
	table_cell(table, text);
}

static void write_row(const struct table *table, FILE *file, size_t first, const size_t *widths,
		      size_t indent)
{
	put_spaces(file, indent);
	for (size_t i = 0; i < table->columns && first + i < table->count; i++) {
		const char *text = table->cells[first + i];
		bool last = i + 1 == table->columns && table->sides[i] == TABLE_LEFT;

		/* No blanks at the end of a line. */
		table_put(file, text, last ? table_width(text) : widths[i], table->sides[i]);
		if (i + 1 < table->columns)
			put_spaces(file, GAP);
	}
}

int table_write(const struct table *table, FILE *file, size_t indent, bool color)
{
	size_t *widths;
	size_t total = 0;

	if (table->failed)
		return -ENOMEM;
	widths = calloc(table->columns, sizeof(*widths));
	if (!widths)
		return -ENOMEM;
	for (size_t i = 0, column = 0; i < table->count; i++) {
		size_t width = table_width(table->cells[i]);

		if (width > widths[column])
			widths[column] = width;
		column = column + 1 < table->columns ? column + 1 : 0;
	}
	for (size_t i = 0; i < table->columns; i++)
		total += widths[i] + (i ? GAP : 0);
	for (size_t first = 0; first < table->count; first += table->columns) {
		if (first == 0 && color)
			fputs(BOLD, file);
		write_row(table, file, first, widths, indent);
		if (first == 0 && color)
			fputs(PLAIN, file);
		putc('\n', file);
		if (first > 0)
			continue;
		put_spaces(file, indent);
		for (size_t i = 0; i < total; i++)
			fputs("─", file);
		putc('\n', file);
	}
	free(widths);
	return ferror(file) ? -EIO : 0;
}
