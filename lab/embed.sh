#!/bin/sh
# Turns the plan files named on the command line into C: a table of names and texts.
echo '#include "lab/plans.h"'
echo 'const struct plan_text plan_texts[] = {'
for file in "$@"; do
	name=$(basename "$file" .ini)
	printf '{"%s",\n' "$name"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' "$file"
	printf '},\n'
done
echo '{0, 0}};'
