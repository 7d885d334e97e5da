/* What every script has: its head, its axes, and texts that gnuplot takes as they are. */
#include "results/picture_inside.h"
#include "results/utf8.h"

#include <errno.h>
#include <math.h>
#include <string.h>

void gnuplot_quote(FILE *file, const char *text)
{
	const char *begin = text;

	putc('\'', file);
	while (*text) {
		size_t length = utf8_length(text);

		if (length == 0) {
			fputs(UTF8_REPLACEMENT, file);
			text++;
			continue;
		}
		if (length == 1 && ((unsigned char)*text < 0x20 || *text == 0x7f)) {
			putc(' ', file);
		} else {
			/* gnuplot leaves '>' as it is, and "]]>" in a text is no XML. */
			if (*text == '>' && text - begin >= 2 && memcmp(text - 2, "]]", 2) == 0)
				putc(' ', file);
			if (*text == '\'')
				putc('\'', file);
			fwrite(text, 1, length, file);
		}
		text += length;
	}
	putc('\'', file);
}

void picture_reach(struct picture_range *range, double value)
{
	if (!isfinite(value))
		return;
	range->least = fmin(range->least, value);
	range->most = fmax(range->most, value);
	if (value > 0)
		range->least_positive = fmin(range->least_positive, value);
}

/* The step of 1, 2 or 5 times a power of ten that makes five ticks or so. */
static double nice_step(double width)
{
	double power = pow(10, floor(log10(width / 5)));
	double rest = width / 5 / power;

	return power * (rest < 1.5 ? 1 : rest < 3.5 ? 2 : rest < 7.5 ? 5 : 10);
}

void picture_write_log_ticks(FILE *file, char axis, const char *unit, double low, double high)
{
	static const double between[] = {1, 2, 5};
	double decades = log10(high / low);
	int step = (int)ceil(decades / 8);
	const char *comma = "";
	char text[32];

	fprintf(file, "set %ctics (", axis);
	for (int e = (int)floor(log10(low)); e <= (int)ceil(log10(high)); e += step)
		for (size_t i = 0; i < (decades < 2.5 ? 3 : 1); i++) {
			double tick = between[i] * pow(10, e);

			if (tick < low * 0.999 || tick > high * 1.001)
				continue;
			if (unit)
				picture_tick(tick, unit, text);
			else
				snprintf(text, sizeof(text), "%.6g", tick);
			fprintf(file, "%s'%s' %.6g", comma, text, tick);
			comma = ", ";
		}
	fputs(")\n", file);
}

void picture_write_axis(FILE *file, char axis, const struct picture_range *range, double factor,
			bool log)
{
	double low = log ? range->least_positive / factor / 1.25 : 0;
	double high = range->most / factor * (log ? 1.25 : 1.06);

	if (!(high > low))
		high = low + 1;
	fprintf(file, log ? "set logscale %c\n" : "unset logscale %c\n", axis);
	fprintf(file, "set %crange [%.6g:%.6g]\n", axis, low, high);
	if (log)
		picture_write_log_ticks(file, axis, NULL, low, high);
	else
		fprintf(file, "set %ctics autofreq %.6g\nset format %c '%%g'\n", axis,
			nice_step(high - low), axis);
}

void picture_write_terminal(const struct picture *picture, FILE *file, unsigned width,
			    unsigned height)
{
	char caption[320], context[320];

	picture_caption(picture, caption, sizeof(caption));
	picture_context(picture->unit, context, sizeof(context));
	fprintf(file, "# By iolab. Change what you like, and draw it again: gnuplot %s.gp\n",
		picture->name);
	fputs("reset session\nset encoding utf8\n", file);
	fprintf(file, "set terminal svg size %u,%u fixed noenhanced ", width, height);
	fputs("font 'sans-serif,13' background '#ffffff'\n", file);
	fprintf(file, "set output '%s.svg'\n", picture->name);
	fputs("set label 1 ", file);
	gnuplot_quote(file, caption);
	fprintf(file, " at screen 0.012, screen %.4f font 'sans-serif,16'\n", 1 - 20.0 / height);
	fputs("set label 2 ", file);
	gnuplot_quote(file, context);
	fprintf(file, " at screen 0.012, screen %.4f textcolor rgb '#444444'\n", 1 - 42.0 / height);
	fputs("set border 1 linecolor rgb '#888888'\n"
	      "set grid xtics linewidth 0.5 linecolor rgb '#dddddd' linetype 1\n"
	      "set tics nomirror out scale 0.5 textcolor rgb '#000000'\n"
	      "set xtics offset 0,0.4\nset xlabel offset 0,0.7\nunset key\n",
	      file);
}

int picture_write_script(const struct picture *picture, FILE *file)
{
	switch (picture->form) {
	case PICTURE_ROWS:
		picture_write_rows(picture, file);
		break;
	case PICTURE_SPREAD:
		picture_write_spread(picture, file);
		break;
	case PICTURE_LINES:
		picture_write_lines(picture, file);
		break;
	}
	fputs("unset multiplot\nunset output\n", file);
	return ferror(file) ? -EIO : 0;
}
