/*
Package blob keeps values that are too large for a Temporal history. A history
holds a reference of some hundred bytes in their place.

# How a value travels

[ExternalStorage] goes into client.Options.ExternalStorage, and into the options
of a replayer. The SDK then hands every payload of 64 KiB or more to [Driver],
which puts it into a [Store]. Whoever reads the history gets the payload back
before any code of ours sees it. Payloads are stored as the data converter left
them: with a codec that encrypts, blobs are encrypted too.

	store, err := blob.Open("s3://bucket/graphrun?region=eu-central-1")
	...
	c, err := client.Dial(client.Options{ExternalStorage: blob.ExternalStorage(store)})

All workers and clients of a namespace need the same store. A worker that misses a
blob fails its task, Temporal tries the task again, and the stack waits until the blob
is there; nothing is lost by the wait.

# What a store is

A blob is found by the SHA-256 of its content, so equal contents are one blob, whichever
stack they belong to, and a blob never changes. [Folder] keeps blobs as files, for one
machine or a shared file system, [S3] in a bucket of an S3-compatible service. Both have
the same layout, ab/abcdef…, so the files of a folder can be copied into a bucket and back.

# What keeps a blob alive

Nobody counts references: histories are Temporal's, and Temporal does not tell when it
deletes one. What counts is the time of the last Put. A blob must be kept for as long as
a history may refer to it, which is at most

	the longest run + the namespace's retention

after its last Put. Continue-as-new begins a new run. What the new run still needs is in
its input, and the SDK puts that input again, so a stack that lives for years keeps its blobs
alive as long as each of its runs is short enough. Where runs have no known bound, take the
age of the oldest stack. Get does not keep a blob alive. Histories that are exported or
archived refer to blobs for as long as they are kept themselves.

[FolderStore.Sweep] deletes the blobs of a folder that are older than that. A bucket has a
lifecycle rule that expires objects by their age; add a day to it, for [S3Store.Put]
leaves a blob alone that is younger than a day.
*/
package blob
