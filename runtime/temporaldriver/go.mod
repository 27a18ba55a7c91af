module github.com/graphrun/graphrun/runtime/temporaldriver

go 1.26.0

replace github.com/graphrun/graphrun => ../..
