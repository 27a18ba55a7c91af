#!/bin/sh
echo "deployed"
