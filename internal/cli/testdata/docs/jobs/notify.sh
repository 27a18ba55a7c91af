#!/bin/sh
echo "the release $1"
