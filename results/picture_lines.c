/* A figure over a numeric factor: a line for each combination of the other factors. */
#include "results/picture_inside.h"
#include "results/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH	  900
#define TOP	  60
#define BOTTOM	  62
#define PANEL	  300 /* height of a plot, its axis left out */
#define CHARACTER 7.4
#define LABELS	  30 /* characters of a line's name; the script has them whole */
#define TICKS_MAX 14

/* Colours that the colour-blind tell apart (Okabe & Ito); marks and dashes for those without. */
static const struct {
	const char *color;
	unsigned mark;
	const char *dash;
} styles[PICTURE_LINES_MAX] = {
	{"#000000", 7, "solid"},       {"#d55e00", 5, "(12,4)"},      {"#0072b2", 9, "(5,3)"},
	{"#009e73", 13, "(10,3,2,3)"}, {"#cc79a7", 6, "solid"},	      {"#e69f00", 4, "(12,4)"},
	{"#56b4e9", 8, "(5,3)"},       {"#7f7f7f", 12, "(10,3,2,3)"},
};

struct axis {
	double values[TICKS_MAX]; /* ascending, each once; more than there is room for: count 0 */
	size_t count;
	bool log;
	double zero; /* where 0 stands on a logarithmic axis */
	struct picture_range range;
};

static void add_tick(struct axis *axis, double x, bool *full)
{
	size_t at = 0;

	while (at < axis->count && axis->values[at] < x)
		at++;
	if (at < axis->count && axis->values[at] == x)
		return;
	if (axis->count == TICKS_MAX) {
		*full = true;
		return;
	}
	memmove(&axis->values[at + 1], &axis->values[at],
		(axis->count - at) * sizeof(axis->values[0]));
	axis->values[at] = x;
	axis->count++;
}

static struct axis read_axis(const struct picture_unit *unit)
{
	struct axis axis = {.range = {INFINITY, INFINITY, -INFINITY}};
	bool full = false;

	for (size_t i = 0; i < unit->count; i++) {
		picture_reach(&axis.range, unit->points[i].x);
		add_tick(&axis, unit->points[i].x, &full);
	}
	if (full)
		axis.count = 0;
	axis.log = axis.range.most >= 10 * axis.range.least_positive;
	axis.zero = axis.range.least_positive / 4;
	if (axis.log && axis.range.least <= 0)
		picture_reach(&axis.range, axis.zero);
	return axis;
}

static double shown_x(const struct axis *axis, double x)
{
	return axis->log && x <= 0 ? axis->zero : x;
}

static void write_lines(const struct picture *picture, FILE *file, const struct axis *axis,
			const double *factors)
{
	const struct picture_unit *unit = picture->unit;

	fputs("# x, then for each panel median, low, high\n", file);
	for (size_t i = 0; i < unit->count; i++) {
		const struct picture_point *p = &unit->points[i];

		if (i == 0 || p->line != p[-1].line)
			fprintf(file, "%s$line%zu << END\n", i ? "END\n" : "", p->line + 1);
		fprintf(file, "%.9g", shown_x(axis, p->x));
		for (size_t c = 0; c < picture->column_count; c++) {
			const struct summary_value *v = summary_get(p->cell, picture->columns[c]);

			if (v->blocks == 0)
				fputs(" NaN NaN NaN", file);
			else
				fprintf(file, " %.9g %.9g %.9g", v->median / factors[c],
					(isnan(v->low) ? v->median : v->low) / factors[c],
					(isnan(v->high) ? v->median : v->high) / factors[c]);
		}
		fputs("\n", file);
	}
	fputs("END\n", file);
}

static void write_x_axis(const struct picture_unit *unit, FILE *file, const struct axis *axis,
			 bool narrow)
{
	const char *unit_text = record_columns[unit->x].unit;
	bool rate = strcmp(unit_text, "1/s") == 0;
	double low = axis->range.least, high = axis->range.most;
	size_t step = narrow && axis->count > 7 ? 2 : 1;
	const char *comma = "";
	char text[32];

	if (axis->log)
		low = axis->range.least_positive;
	fprintf(file, "set xlabel '%s%s'\n", picture_column_name(unit->x), rate ? ", 1/s" : "");
	if (axis->log)
		fprintf(file, "set logscale x\nset xrange [%.6g:%.6g]\n",
			low / pow(high / low, 0.03), high * pow(high / low, 0.03));
	else
		fprintf(file, "unset logscale x\nset xrange [%.6g:%.6g]\n",
			low - 0.03 * (high - low), high + 0.03 * (high - low));
	if (axis->count == 0) {
		if (axis->log)
			picture_write_log_ticks(file, 'x', unit_text, low, high);
		else
			fputs("set xtics autofreq\nset format x '%g'\n", file);
		return;
	}
	fputs("set xtics (", file);
	for (size_t i = 0; i < axis->count; i += step) {
		fprintf(file, "%s'%s' %.9g", comma, picture_tick(axis->values[i], unit_text, text),
			shown_x(axis, axis->values[i]));
		comma = ", ";
	}
	fputs(")\nunset mxtics\n", file);
}

/* The lines' names, cut where they would take the plot's room. */
static void write_title(FILE *file, const char *label)
{
	char *cut = NULL;
	size_t size;
	FILE *text = open_memstream(&cut, &size);

	if (text && table_width(label) > LABELS)
		table_put(text, label, LABELS, TABLE_LEFT);
	else if (text)
		fputs(label, text);
	if (text)
		fclose(text);
	gnuplot_quote(file, cut ? cut : "");
	free(cut);
}

/* Lines that meet in a point: their intervals stand side by side, half a percent of x apart. */
static void write_shifted_x(FILE *file, const struct axis *axis, size_t line, size_t lines)
{
	double steps = 0.006 * ((double)line - (double)(lines - 1) / 2);

	if (steps == 0 || axis->range.most <= axis->range.least)
		fputs("1", file);
	else if (axis->log)
		fprintf(file, "($1*%.6g)",
			pow(axis->range.most / axis->range.least_positive, steps));
	else
		fprintf(file, "($1%+.6g)", steps * (axis->range.most - axis->range.least));
}

static void write_panel(const struct picture *picture, FILE *file, const struct axis *axis,
			size_t panel)
{
	const struct picture_unit *unit = picture->unit;
	size_t median = 3 * panel + 2;
	const char *before = "plot ";

	for (size_t i = 0; i < unit->count; i++) {
		const struct picture_point *p = &unit->points[i];
		const char *color = styles[p->line].color;

		if (i > 0 && p->line == p[-1].line)
			continue;
		fprintf(file, "%s$line%zu using ", before, p->line + 1);
		write_shifted_x(file, axis, p->line, unit->line_count);
		fprintf(file,
			":%zu:%zu:%zu with yerrorbars pointtype 0 linewidth 1 "
			"linecolor rgb '%s' notitle, \\\n     $line%zu using ",
			median, median + 1, median + 2, color, p->line + 1);
		write_shifted_x(file, axis, p->line, unit->line_count);
		fprintf(file,
			":%zu with linespoints pointtype %u pointsize 0.8 linewidth 1.4 "
			"dashtype %s linecolor rgb '%s' title ",
			median, styles[p->line].mark, styles[p->line].dash, color);
		write_title(file, p->label);
		before = ", \\\n     ";
	}
	fputs("\n", file);
}

static struct picture_range reach_column(const struct picture *picture, enum record_column column)
{
	struct picture_range range = {INFINITY, INFINITY, -INFINITY};

	for (size_t i = 0; i < picture->unit->count; i++) {
		const struct summary_value *v = summary_get(picture->unit->points[i].cell, column);

		if (v->blocks == 0)
			continue;
		picture_reach(&range, v->median);
		picture_reach(&range, v->low);
		picture_reach(&range, v->high);
	}
	return range;
}

/* Where a panel lies: one takes all the room, four are two by two; the names are on the right. */
static void place(FILE *file, size_t panel, size_t panels, double right, unsigned height)
{
	size_t across = panels > 1 ? 2 : 1, down = (panels + across - 1) / across;
	double width = right / (double)across;
	size_t row = panel / across;
	double top = TOP + (double)row * (PANEL + BOTTOM);
	double left = (double)(panel % across) * width;

	fprintf(file, "set lmargin at screen %.4f\nset rmargin at screen %.4f\n",
		(left + 74) / WIDTH, (left + width - 10) / WIDTH);
	fprintf(file, "set tmargin at screen %.4f\nset bmargin at screen %.4f\n", 1 - top / height,
		1 - (top + PANEL - (down > 1 ? 8 : 0)) / height);
}

void picture_write_lines(const struct picture *picture, FILE *file)
{
	const struct picture_unit *unit = picture->unit;
	const struct axis axis = read_axis(unit);
	struct picture_range ranges[PICTURE_PANELS_MAX];
	struct picture_scale scales[PICTURE_PANELS_MAX];
	double factors[PICTURE_PANELS_MAX];
	size_t panels = picture->column_count, longest = 4;
	unsigned height = TOP + (panels > 1 ? 2 : 1) * (PANEL + BOTTOM);
	double right;

	for (size_t i = 0; i < unit->count; i++) {
		size_t width = table_width(unit->points[i].label);

		longest = width > longest ? width : longest;
	}
	longest = longest > LABELS ? LABELS : longest;
	right = WIDTH - 60 - CHARACTER * (double)longest;
	for (size_t c = 0; c < panels; c++) {
		ranges[c] = reach_column(picture, picture->columns[c]);
		scales[c] = picture_scale(picture->columns[c], ranges[c].most);
		factors[c] = scales[c].factor;
	}
	picture_write_terminal(picture, file, WIDTH, height);
	write_lines(picture, file, &axis, factors);
	fprintf(file,
		"set border 3\nset grid xtics ytics\n"
		"set key at screen %.4f, screen %.4f left top vertical Left reverse samplen 3\n"
		"set multiplot\n",
		(right + 4) / WIDTH, 1 - (double)TOP / height);
	for (size_t c = 0; c < panels; c++) {
		place(file, c, panels, right, height);
		write_x_axis(unit, file, &axis, panels > 1);
		picture_write_axis(file, 'y', &ranges[c], factors[c],
				   ranges[c].most > 10 * ranges[c].least_positive);
		fputs("set ylabel ", file);
		gnuplot_quote(file, scales[c].label);
		fputs("\n", file);
		write_panel(picture, file, &axis, c);
		if (c == 0)
			fputs("unset key\nunset label 1\nunset label 2\n", file);
	}
}
