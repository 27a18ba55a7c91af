#!/bin/sh
echo "removed $1"
