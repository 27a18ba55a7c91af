#!/bin/sh
echo "no remarks"
