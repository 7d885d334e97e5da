/*
 * Cells below each other, a row each: a figure with its interval and beside it the ratio to the
 * baseline with the noise floor; or several percentiles in one row, a mark each.
 */
#include "results/picture_inside.h"
#include "results/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH	    900
#define TOP	    64 /* pixels above the plots, for the caption */
#define BOTTOM	    60
#define ROW	    26
#define CHARACTER   7.6
#define LABEL_WIDTH 46 /* characters; what is longer is cut, and whole in the report's table */
#define GAP	    34
#define RIGHT	    18

struct layout {
	unsigned height;
	double left; /* of the first plot */
	size_t rows;
};

static struct layout lay_out(const struct picture_unit *unit, unsigned extra)
{
	size_t longest = 4;

	for (size_t i = 0; i < unit->count; i++) {
		size_t width = table_width(unit->points[i].label);

		longest = width > longest ? width : longest;
	}
	longest = longest > LABEL_WIDTH ? LABEL_WIDTH : longest;
	return (struct layout){
		.height = TOP + BOTTOM + extra + ROW * (unsigned)unit->count,
		.left = 20 + CHARACTER * (double)longest,
		.rows = unit->count,
	};
}

static void place(FILE *file, const struct layout *l, double from, double to, unsigned extra)
{
	fprintf(file, "set lmargin at screen %.4f\nset rmargin at screen %.4f\n", from / WIDTH,
		to / WIDTH);
	fprintf(file, "set tmargin at screen %.4f\nset bmargin at screen %.4f\n",
		1 - (double)(TOP + extra) / l->height, (double)BOTTOM / l->height);
}

static void write_row_labels(FILE *file, const struct picture_unit *unit)
{
	for (size_t i = 0; i < unit->count; i++) {
		char *cut = NULL;
		size_t size;
		FILE *text = open_memstream(&cut, &size);

		if (text && table_width(unit->points[i].label) > LABEL_WIDTH)
			table_put(text, unit->points[i].label, LABEL_WIDTH, TABLE_LEFT);
		else if (text)
			fputs(unit->points[i].label, text);
		if (text)
			fclose(text);
		fprintf(file, "set label %zu ", 10 + i);
		gnuplot_quote(file, cut ? cut : "");
		fprintf(file, " at graph 0, first %zu right offset -0.8,0\n", i + 1);
		free(cut);
	}
	fprintf(file, "set yrange [%.1f:0.5]\nunset ytics\n", (double)unit->count + 0.5);
}

static void forget_row_labels(FILE *file, const struct picture_unit *unit)
{
	for (size_t i = 0; i < unit->count; i++)
		fprintf(file, "unset label %zu\n", 10 + i);
	fputs("unset label 1\nunset label 2\n", file);
}

static void write_number(FILE *file, double value)
{
	if (isfinite(value))
		fprintf(file, " %.9g", value);
	else
		fputs(" NaN", file);
}

static bool is_baseline(const struct summary *summary, const struct summary_cell *cell)
{
	return &summary->cells[summary->groups[cell->group].baseline] == cell;
}

static const struct summary_value *value_of(const struct picture *picture, size_t row,
					    enum record_column column)
{
	const struct summary_value *value = summary_get(picture->unit->points[row].cell, column);

	return value && value->blocks > 0 ? value : NULL;
}

/* An interval that is not known is as wide as the point. */
static double end_of(double end, double middle)
{
	return isnan(end) ? middle : end;
}

static void write_data(const struct picture *picture, FILE *file, double factor)
{
	fputs("# row, median, low, high; ratio to the baseline, low, high, claimed; cell\n"
	      "$cells << END\n",
	      file);
	for (size_t i = 0; i < picture->unit->count; i++) {
		const struct summary_value *v = value_of(picture, i, picture->columns[0]);
		bool claimed;

		if (!v)
			continue;
		claimed = v->verdict == STATISTICS_FASTER || v->verdict == STATISTICS_SLOWER;
		fprintf(file, "%zu", i + 1);
		write_number(file, v->median / factor);
		write_number(file, end_of(v->low, v->median) / factor);
		write_number(file, end_of(v->high, v->median) / factor);
		write_number(file, v->effect.pairs ? v->effect.ratio : NAN);
		write_number(file, v->effect.pairs ? end_of(v->effect.low, v->effect.ratio) : NAN);
		write_number(file, v->effect.pairs ? end_of(v->effect.high, v->effect.ratio) : NAN);
		fprintf(file, " %d\n", claimed);
	}
	fputs("END\n", file);
}

static void write_ratios(const struct picture *picture, FILE *file, double floor)
{
	const struct picture_unit *unit = picture->unit;
	struct picture_range range = {INFINITY, INFINITY, -INFINITY};
	bool log, floored = isfinite(floor) && floor > 1;
	double low, high;

	picture_reach(&range, 1);
	for (size_t i = 0; i < unit->count; i++) {
		const struct summary_value *v = value_of(picture, i, picture->columns[0]);

		if (!v || v->effect.pairs == 0)
			continue;
		picture_reach(&range, v->effect.ratio);
		picture_reach(&range, v->effect.low);
		picture_reach(&range, v->effect.high);
	}
	/* The whole band, unless it is so wide that it would squeeze the points. */
	if (floored && floor < 2) {
		picture_reach(&range, floor);
		picture_reach(&range, 1 / floor);
	}
	log = range.most > 10 * range.least_positive;
	picture_write_axis(file, 'x', &range, 1, log);
	/* Differences of a few percent would be lost on an axis from 0. */
	low = log ? range.least_positive / 1.25 : range.least - 0.08 * (range.most - range.least);
	high = log ? range.most * 1.25 : range.most + 0.08 * (range.most - range.least);
	if (!log && high - low < 0.02) {
		low -= 0.01;
		high += 0.01;
	}
	if (!log)
		fprintf(file, "set xrange [%.6g:%.6g]\nset xtics autofreq\n", low, high);
	if (floored)
		fprintf(file,
			"set object 1 rectangle from first %.6g, graph 0 to first %.6g, graph 1 "
			"behind fillcolor rgb '#d0d0d0' fillstyle solid 1 noborder\n",
			fmax(1 / floor, low), fmin(floor, high));
	fputs("set arrow 1 from first 1, graph 0 to first 1, graph 1 nohead linewidth 1 "
	      "linecolor rgb '#000000'\n",
	      file);
	fprintf(file, "set xlabel 'ratio to the baseline%s'\n",
		floored ? "; grey: noise floor" : "");
	fputs("plot $cells using ($8==0?$5:NaN):1:6:7 with xerrorbars pointtype 6 pointsize 0.8 "
	      "linewidth 1.4 linecolor rgb '#0072b2', \\\n"
	      "     $cells using ($8==1?$5:NaN):1:6:7 with xerrorbars pointtype 7 pointsize 0.8 "
	      "linewidth 1.4 linecolor rgb '#0072b2'\n",
	      file);
}

/* Whether anything was compared, and the largest floor of what was. */
static bool find_ratios(const struct picture *picture, double *floor, size_t *baseline)
{
	const struct picture_unit *unit = picture->unit;
	size_t place = summary_place(picture->columns[0]);
	bool any = false;

	*floor = NAN;
	*baseline = unit->count;
	for (size_t i = 0; i < unit->count; i++) {
		const struct summary_value *v = value_of(picture, i, picture->columns[0]);

		if (is_baseline(unit->summary, unit->points[i].cell))
			*baseline = i;
		if (!v || v->effect.pairs == 0)
			continue;
		any = true;
		*floor = fmax(*floor, summary_floor(unit->summary, unit->points[i].cell, place));
	}
	return any;
}

void picture_write_rows(const struct picture *picture, FILE *file)
{
	const struct picture_unit *unit = picture->unit;
	const struct layout l = lay_out(unit, 0);
	struct picture_range range = {INFINITY, INFINITY, -INFINITY};
	struct picture_scale scale;
	size_t baseline;
	double floor, end;
	bool ratios = find_ratios(picture, &floor, &baseline);

	for (size_t i = 0; i < unit->count; i++) {
		const struct summary_value *v = value_of(picture, i, picture->columns[0]);

		if (!v)
			continue;
		picture_reach(&range, v->median);
		picture_reach(&range, v->low);
		picture_reach(&range, v->high);
	}
	scale = picture_scale(picture->columns[0], range.most);
	end = ratios ? l.left + (WIDTH - RIGHT - GAP - l.left) / 2 : WIDTH - RIGHT;
	picture_write_terminal(picture, file, WIDTH, l.height);
	write_data(picture, file, scale.factor);
	fputs("set multiplot\n", file);
	place(file, &l, l.left, end, 0);
	write_row_labels(file, unit);
	picture_write_axis(file, 'x', &range, scale.factor, range.most > 10 * range.least_positive);
	fputs("set xlabel ", file);
	gnuplot_quote(file, scale.label);
	fputs("\nplot $cells using 2:1:3:4 with xerrorbars pointtype 7 pointsize 0.8 linewidth 1.4 "
	      "linecolor rgb '#000000'\n",
	      file);
	if (!ratios)
		return;
	forget_row_labels(file, unit);
	place(file, &l, end + GAP, WIDTH - RIGHT, 0);
	if (baseline < unit->count)
		fprintf(file, "set label 3 ' baseline' at first 1, first %zu left\n", baseline + 1);
	write_ratios(picture, file, floor);
}

void picture_write_spread(const struct picture *picture, FILE *file)
{
	static const struct {
		const char *name;
		unsigned type;
		const char *color;
	} marks[PICTURE_PANELS_MAX] = {{"50 %", 7, "#000000"},
				       {"90 %", 4, "#0072b2"},
				       {"99 %", 9, "#d55e00"},
				       {"99.9 %", 12, "#009e73"}};
	const struct picture_unit *unit = picture->unit;
	const struct layout l = lay_out(unit, 22);
	struct picture_range range = {INFINITY, INFINITY, -INFINITY};
	struct picture_scale scale;

	for (size_t i = 0; i < unit->count; i++)
		for (size_t c = 0; c < picture->column_count; c++) {
			const struct summary_value *v = value_of(picture, i, picture->columns[c]);

			picture_reach(&range, v ? v->median : NAN);
		}
	scale = picture_scale(picture->columns[0], range.most);
	picture_write_terminal(picture, file, WIDTH, l.height);
	fputs("# row, then the medians over blocks of p50, p90, p99, p99.9\n$cells << END\n", file);
	for (size_t i = 0; i < unit->count; i++) {
		fprintf(file, "%zu", i + 1);
		for (size_t c = 0; c < picture->column_count; c++) {
			const struct summary_value *v = value_of(picture, i, picture->columns[c]);

			write_number(file, v ? v->median / scale.factor : NAN);
		}
		fputs("\n", file);
	}
	fputs("END\nset multiplot\n", file);
	place(file, &l, l.left, WIDTH - RIGHT, 22);
	write_row_labels(file, unit);
	picture_write_axis(file, 'x', &range, scale.factor, range.most > 10 * range.least_positive);
	fprintf(file, "set xlabel 'latency, %s: percentiles, medians over the blocks'\n",
		strrchr(scale.label, ' ') + 1);
	fprintf(file,
		"set key at screen %.4f, screen %.4f right top horizontal samplen 1 width 1\n",
		1 - (double)RIGHT / WIDTH, 1 - 54.0 / l.height);
	fputs("plot $cells using 2:1:2:($5>0?$5:$4>0?$4:$3) with xerrorbars pointtype 0 "
	      "linewidth 1 linecolor rgb '#aaaaaa' notitle",
	      file);
	for (size_t c = 0; c < picture->column_count; c++)
		fprintf(file,
			", \\\n     $cells using %zu:1 with points pointtype %u pointsize 0.9 "
			"linewidth 1.4 linecolor rgb '%s' title '%s'",
			c + 2, marks[c].type, marks[c].color, marks[c].name);
	fputs("\n", file);
}
