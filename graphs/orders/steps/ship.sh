# Puts the item on standard input into shipped/. Writing under another name first makes it
# safe to repeat.
set -eu
mkdir -p shipped
cat >"shipped/.$ID.new"
mv "shipped/.$ID.new" "shipped/$ID.txt"
