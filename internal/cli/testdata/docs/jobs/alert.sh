#!/bin/sh
echo "to ops: $1"
