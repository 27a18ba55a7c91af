# Prints the names of the texts in a folder, sorted.
set -eu
cd "$1"
for file in *.txt; do
	[ -f "$file" ] && printf '%s\n' "$file"
done
