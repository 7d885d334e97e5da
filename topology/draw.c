/*
 * Boxes in text. A row of cells is laid out first and measured, then drawn line by line into a
 * buffer that counts columns, because a box character is one column and three bytes.
 */
#include "topology/draw.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "topology/cpulist.h"
#include "topology/draw_model.h"
#include "topology/kinds.h"

/* "│ " and " │" of the package around everything. */
#define FRAME	   4
#define LINE_SIZE  1024
#define LABEL_SIZE 96
#define LIST_SIZE  20

struct glyphs {
	const char *across, *down, *top_left, *top_right, *bottom_left, *bottom_right;
};

static const struct glyphs styles[] = {
	[DRAW_UNICODE] = {"─", "│", "┌", "┐", "└", "┘"},
	[DRAW_ASCII] = {"-", "|", "+", "+", "+", "+"},
};

struct line {
	char text[LINE_SIZE];
	size_t used;
	unsigned columns;
};

struct canvas {
	FILE *file;
	const struct glyphs *glyphs;
	hwloc_topology_t topology;
	const struct draw_model *model;
	unsigned width; /* of what is inside the package's frame */
};

static unsigned columns_of(const char *text)
{
	unsigned columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

static void put(struct line *line, const char *text)
{
	size_t length = strlen(text);

	if (line->used + length >= sizeof(line->text))
		return;
	memcpy(line->text + line->used, text, length + 1);
	line->used += length;
	line->columns += columns_of(text);
}

/* Fills up to a column. */
static void put_until(struct line *line, const char *glyph, unsigned column)
{
	while (line->columns < column && line->used + 4 < sizeof(line->text))
		put(line, glyph);
}

/* --- cells ---------------------------------------------------------------------------------- */

static void append(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, size - used, format, arguments);
	va_end(arguments);
}

/* As cpulist_brief(), and every second, fourth, ... number as "0,2..14". */
static const char *brief(hwloc_const_bitmap_t set, char *text, size_t size)
{
	int first = hwloc_bitmap_first(set);
	int second = hwloc_bitmap_next(set, first);
	int last = hwloc_bitmap_last(set);
	int step = second - first;

	if (hwloc_bitmap_weight(set) < 4 || step < 2)
		return cpulist_brief(set, text, size);
	for (int i = first; i < last; i += step)
		if (hwloc_bitmap_next(set, i) != i + step)
			return cpulist_brief(set, text, size);
	*text = '\0';
	append(text, size, "%d,%d..%d", first, second, last);
	return text;
}

static void describe_who(const struct draw_line *line, char *text, size_t size)
{
	static const char *const names[][2] = {
		[DRAW_WORKERS] = {"worker", "workers"},
		[DRAW_ORIGIN] = {"origin", "origin"},
		[DRAW_POLLERS] = {"poller", "pollers"},
	};
	bool someone = false;

	for (unsigned role = 0; role < DRAW_ROLES; role++) {
		int count = hwloc_bitmap_weight(line->who[role]);
		char list[LIST_SIZE];

		if (count <= 0)
			continue;
		append(text, size, "%s%s %s", someone ? ", " : "", names[role][count > 1],
		       brief(line->who[role], list, sizeof(list)));
		someone = true;
	}
	if (!someone)
		append(text, size, "%s", line->allowed ? "free" : "not allowed");
}

static void describe_cell(const struct canvas *canvas, const struct draw_cell *cell, char *text,
			  size_t size)
{
	char name[KINDS_NAME_SIZE];

	*text = '\0';
	if (cell->first_core == cell->last_core)
		append(text, size, "core %u", cell->first_core);
	else
		append(text, size, "cores %u-%u", cell->first_core, cell->last_core);
	if (canvas->model->kinds > 1)
		append(text, size, " %s", kinds_name(canvas->topology, cell->kind, name));
}

/* Line `index` of a cell; "" past its end, where a neighbour has more siblings. */
static void describe_line(const struct draw_cell *cell, unsigned index, char *text, size_t size)
{
	char list[LIST_SIZE];
	int longest = 0;

	*text = '\0';
	if (index >= cell->line_count)
		return;
	for (unsigned i = 0; i < cell->line_count; i++) {
		int length = (int)strlen(brief(cell->lines[i].cpus, list, sizeof(list)));

		if (length > longest)
			longest = length;
	}
	append(text, size, "CPU %-*s  ", longest,
	       brief(cell->lines[index].cpus, list, sizeof(list)));
	describe_who(&cell->lines[index], text, size);
}

/* Columns of a cell with its box. */
static unsigned cell_width(const struct canvas *canvas, const struct draw_cell *cell)
{
	char text[LABEL_SIZE];
	unsigned widest;

	describe_cell(canvas, cell, text, sizeof(text));
	widest = columns_of(text) + 1;
	for (unsigned i = 0; i < cell->line_count; i++) {
		unsigned columns;

		describe_line(cell, i, text, sizeof(text));
		columns = columns_of(text);
		if (columns > widest)
			widest = columns;
	}
	return widest + FRAME;
}

/* Cells of a group share a width, so that they stand in columns. */
static unsigned group_cell_width(const struct canvas *canvas, const struct draw_group *group)
{
	unsigned widest = 0;

	for (unsigned i = 0; i < group->cell_count; i++) {
		unsigned width = cell_width(canvas, &canvas->model->cells[group->first_cell + i]);

		if (width > widest)
			widest = width;
	}
	return widest;
}

/* As many as the width holds, evened out over the rows: 2 and 2 rather than 3 and 1. */
static unsigned cells_in_a_row(unsigned width, unsigned count)
{
	unsigned most = (DRAW_WIDTH - FRAME + 1) / (width + 1);
	unsigned rows;

	if (most < 2 || !count)
		return 1;
	rows = (count - 1) / most + 1;
	return (count - 1) / rows + 1;
}

/* --- frames --------------------------------------------------------------------------------- */

static void begin(const struct canvas *canvas, struct line *line)
{
	*line = (struct line){0};
	put(line, canvas->glyphs->down);
	put(line, " ");
}

static void end(const struct canvas *canvas, struct line *line)
{
	put_until(line, " ", canvas->width + FRAME - 1);
	put(line, canvas->glyphs->down);
	fprintf(canvas->file, "%s\n", line->text);
}

/* The upper side of a box that ends at a column, with a title in it. */
static void put_top(const struct canvas *canvas, struct line *line, const char *title,
		    unsigned until)
{
	put(line, canvas->glyphs->top_left);
	put(line, " ");
	put(line, title);
	put(line, " ");
	put_until(line, canvas->glyphs->across, until - 1);
	put(line, canvas->glyphs->top_right);
}

static void put_bottom(const struct canvas *canvas, struct line *line, unsigned until)
{
	put(line, canvas->glyphs->bottom_left);
	put_until(line, canvas->glyphs->across, until - 1);
	put(line, canvas->glyphs->bottom_right);
}

static void draw_row(const struct canvas *canvas, const struct draw_cell *cells, unsigned count,
		     unsigned width)
{
	unsigned height = 0;
	char text[LABEL_SIZE];
	struct line line;

	for (unsigned i = 0; i < count; i++)
		if (cells[i].line_count > height)
			height = cells[i].line_count;
	for (unsigned y = 0; y < height + 2; y++) {
		begin(canvas, &line);
		for (unsigned i = 0; i < count; i++) {
			unsigned until = line.columns + width;

			if (y == 0) {
				describe_cell(canvas, &cells[i], text, sizeof(text));
				put_top(canvas, &line, text, until);
			} else if (y == height + 1) {
				put_bottom(canvas, &line, until);
			} else {
				describe_line(&cells[i], y - 1, text, sizeof(text));
				put(&line, canvas->glyphs->down);
				put(&line, " ");
				put(&line, text);
				put_until(&line, " ", until - 1);
				put(&line, canvas->glyphs->down);
			}
			put(&line, i + 1 < count ? " " : "");
		}
		end(canvas, &line);
	}
}

static void append_range(char *text, size_t size, const char *name, unsigned first, unsigned last)
{
	append(text, size, "%s %u", name, first);
	if (first != last)
		append(text, size, "-%u", last);
}

static void describe_group(const struct draw_group *group, char *text, size_t size)
{
	const char *each = group->first_cache == group->last_cache ? "" : " each";
	bool large = group->cache_bytes >= 1 << 20;

	*text = '\0';
	append_range(text, size, "NUMA", group->first_node, group->last_node);
	if (!group->has_cache)
		return;
	append_range(text, size, ", L3", group->first_cache, group->last_cache);
	if (group->cache_bytes)
		append(text, size, " (%" PRIu64 " %s%s)", group->cache_bytes >> (large ? 20 : 10),
		       large ? "MiB" : "KiB", each);
}

static void draw_group(const struct canvas *canvas, const struct draw_group *group)
{
	const struct draw_cell *cells = &canvas->model->cells[group->first_cell];
	unsigned width = group_cell_width(canvas, group);
	unsigned in_a_row = cells_in_a_row(width, group->cell_count);
	char text[LABEL_SIZE];
	struct line line;

	describe_group(group, text, sizeof(text));
	begin(canvas, &line);
	put(&line, text);
	end(canvas, &line);
	for (unsigned i = 0; i < group->cell_count; i += in_a_row) {
		unsigned left = group->cell_count - i;

		draw_row(canvas, cells + i, left < in_a_row ? left : in_a_row, width);
	}
}

/* --- the whole ------------------------------------------------------------------------------ */

static void describe_package(hwloc_topology_t topology, unsigned index, char *text, size_t size)
{
	hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, index);
	const char *model = package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;

	*text = '\0';
	if (!package)
		append(text, size, "machine");
	else
		append(text, size, "package %u%s%.60s", index, model ? ": " : "",
		       model ? model : "");
}

/* As wide as the widest row, group title or package title. */
static void measure(hwloc_topology_t topology, struct canvas *canvas)
{
	char text[LABEL_SIZE];

	for (unsigned i = 0; i < canvas->model->group_count; i++) {
		const struct draw_group *group = &canvas->model->groups[i];
		unsigned width = group_cell_width(canvas, group);
		unsigned widths[3];

		widths[0] = cells_in_a_row(width, group->cell_count) * (width + 1) - 1;
		describe_group(group, text, sizeof(text));
		widths[1] = columns_of(text);
		describe_package(topology, group->package, text, sizeof(text));
		widths[2] = columns_of(text) + 1;
		for (unsigned k = 0; k < 3; k++)
			if (widths[k] > canvas->width)
				canvas->width = widths[k];
	}
}

static void draw_edge(const struct canvas *canvas, const char *title)
{
	struct line line = {0};

	if (title)
		put_top(canvas, &line, title, canvas->width + FRAME);
	else
		put_bottom(canvas, &line, canvas->width + FRAME);
	fprintf(canvas->file, "%s\n", line.text);
}

int draw_machine(FILE *file, hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
		 const struct place_answer *answer, enum draw_style style)
{
	struct draw_model model;
	struct canvas canvas = {
		.file = file, .glyphs = &styles[style], .topology = topology, .model = &model};
	char text[LABEL_SIZE];
	int err = draw_model_make(topology, allowed, answer, DRAW_CORES_UNFOLDED, &model);

	if (!err) {
		measure(topology, &canvas);
		for (unsigned i = 0; i < model.group_count; i++) {
			const struct draw_group *group = &model.groups[i];

			if (!i || group[-1].package != group->package) {
				if (i)
					draw_edge(&canvas, NULL);
				describe_package(topology, group->package, text, sizeof(text));
				draw_edge(&canvas, text);
			}
			draw_group(&canvas, group);
		}
		draw_edge(&canvas, NULL);
		if (ferror(file))
			err = -EIO;
	}
	draw_model_release(&model);
	return err;
}
