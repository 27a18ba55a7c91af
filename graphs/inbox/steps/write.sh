# Writes standard input to ledger.txt.
set -eu
cat >ledger.txt.new
mv ledger.txt.new ledger.txt
