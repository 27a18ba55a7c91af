# Prints the names of the messages in inbox/.
set -eu
for message in "$FOLDER"/inbox/*.txt; do
	[ -e "$message" ] && basename "$message"
done
exit 0
