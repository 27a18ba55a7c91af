package boltstore

func child() bool { return false }
