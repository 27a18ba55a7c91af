#!/bin/sh
echo '["a.jpg", "b.jpg", "c.jpg"]'
