# Prints the names of the messages in inbox/ that have no answer in outbox/.
set -eu
for message in "$FOLDER"/inbox/*.txt; do
	[ -e "$message" ] || continue
	name=$(basename "$message")
	[ -e "$FOLDER/outbox/$name" ] || printf '%s\n' "$name"
done
