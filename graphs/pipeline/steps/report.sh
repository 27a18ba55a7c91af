# Writes standard input to report.txt.
set -eu
cat >report.txt.new
mv report.txt.new report.txt
