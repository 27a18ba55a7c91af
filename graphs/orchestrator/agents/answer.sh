# Answers one message. Writing under another name first makes it safe to repeat.
set -eu
case $MESSAGE in */*) echo "a message is a plain file name, not $MESSAGE" >&2; exit 1 ;; esac
mkdir -p "$FOLDER/outbox"
if [ "$TOTAL" -eq 0 ]; then
	answer="The plan is being written."
else
	answer="$((TOTAL - OPEN)) of $TOTAL todos are built."
fi
{
	sed 's/^/> /' "$FOLDER/inbox/$MESSAGE"
	printf '\n%s\n' "$answer"
} >"$FOLDER/outbox/.$MESSAGE.new"
mv "$FOLDER/outbox/.$MESSAGE.new" "$FOLDER/outbox/$MESSAGE"
printf '%s\n' "$answer"
