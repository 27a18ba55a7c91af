# One desk. The technical line is bad: the first attempt always drops. Nobody at
# billing may decide over refunds, so those fail for good.
set -eu
text=$(cat)
case "$DESK:$text" in
billing:*refund*)
	echo "refunds need a second signature" >&2
	exit 3
	;;
technical:*)
	if [ "$GRAPHRUN_ATTEMPT" -lt 2 ]; then
		echo "the line dropped" >&2
		exit 1
	fi
	;;
esac
printf 'The %s desk has solved ticket %s.\n' "$DESK" "$ID"
