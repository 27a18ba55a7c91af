# Prints the sum of the second column of a file, in cents.
set -eu
awk -F, '
	$2 !~ /^[0-9]+$/ { printf "line %d is no amount\n", NR >"/dev/stderr"; bad = 1; exit }
	{ sum += $2 }
	END { if (bad) exit 1; print sum + 0 }' "$1"
