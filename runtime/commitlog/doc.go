// Package commitlog keeps groups of frames in up to three files beside a database and
// makes each group durable with one write and one sync.
//
// The log knows nothing of what a frame holds. Its files, PATH.log1 to PATH.log3, are
// there while the database is open and after a crash. Each holds one segment, the frames
// of one epoch; epochs count up for the life of the database.
//
// What ties log and database together is the Mark that the database holds: everything of
// the epochs up to Applied is in the database, and Nonce is the name of the segment after
// them. A segment that was ended names the one after it. So a segment that is lost, that
// is of another database or of another time of this one is noticed, not left out.
//
// The life of a log, as its owner sees it:
//
//  1. Recover gives what was logged after the mark. The database takes it over and writes
//     a mark that is Clean, up to Recovered.Epoch.
//  2. Start begins a segment. The database writes Log.Mark before the first Append.
//  3. Append, again and again.
//  4. Now and then Rotate ends the segment. The database takes over what it holds,
//     writes the mark that Rotate gave, and calls Release.
//  5. The database takes over the rest, writes a mark that is Clean, and calls Close.
//
// Why the files are recycled as they are, and not emptied first: a frame verifies only
// with the nonce of its segment and at its own position, so what an earlier segment left
// in a file is nothing. To overwrite it with zeros would double what is written.
//
// The layout is described in format.go.
package commitlog
