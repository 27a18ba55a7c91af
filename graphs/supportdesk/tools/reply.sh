# Puts the answer to ticket ID into outbox/, whole or not at all.
set -e
mkdir -p outbox
{
	echo "To: $TO"
	echo
	cat
} >"outbox/.$ID.new"
mv "outbox/.$ID.new" "outbox/$ID.txt"
