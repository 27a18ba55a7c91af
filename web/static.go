package web

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/graphrun/graphrun/runtime/api"
)

// stamp names the state of the static files, so that browsers may keep them for ever. It is
// made when the first page is: most processes show none.
var stamp = sync.OnceValue(func() string {
	h := sha256.New()
	names, err := fs.Glob(files, "static/*")
	if err != nil {
		panic(err) // the pattern is fixed
	}
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err) // it is in the program
		}
		h.Write([]byte(name))
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
})

// asset is a static file as it is sent.
type asset struct{ plain, packed []byte }

// assets are the static files by name. They are compressed once, when the first is asked for.
var assets = sync.OnceValue(func() map[string]asset {
	all := map[string]asset{}
	names, err := fs.Glob(files, "static/*")
	if err != nil {
		panic(err) // the pattern is fixed
	}
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			panic(err) // it is in the program
		}
		all[path.Base(name)] = asset{b, pack(b, gzip.BestCompression)}
	}
	return all
})

// pack compresses with a level of package gzip.
func pack(b []byte, level int) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err == nil {
		_, err = w.Write(b)
	}
	if err = cmp.Or(err, w.Close()); err != nil {
		panic(err) // the level is one of those that there are, and a buffer takes everything
	}
	return out.Bytes()
}

// takesGzip reports whether a client says that it reads gzip.
func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) == "gzip" {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}

// static serves scripts and styles. They need no session: they are the same for everybody.
func (h *Handler) static(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	a, ok := assets()[name]
	if !ok {
		h.fail(w, &api.Error{Code: api.CodeNotFound, Message: "there is no such file"})
		return
	}
	head := w.Header()
	if r.URL.Query().Get("v") == stamp() {
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		head.Set("Cache-Control", "no-cache") // it is kept, and asked for each time
	}
	tag, b := stamp(), a.plain
	head.Set("Vary", "Accept-Encoding")
	if takesGzip(r) {
		head.Set("Content-Encoding", "gzip")
		tag, b = tag+"-gzip", a.packed
	}
	head.Set("ETag", strconv.Quote(tag))
	if strings.Contains(r.Header.Get("If-None-Match"), strconv.Quote(tag)) {
		head.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	head.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	head.Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b) // a browser that has gone needs no answer
}

// packedFrom is the least size in bytes of a page that is compressed.
const packedFrom = 2 << 10

// answer sends a page. Its compressed length could tell of its content only to somebody who
// has it sent with texts of their choice, and no other site can do that: the cookie is
// SameSite=Strict.
func answer(w http.ResponseWriter, r *http.Request, status int, kind string, page []byte) {
	head := w.Header()
	head.Set("Content-Type", kind)
	head.Set("Vary", "Accept-Encoding")
	if len(page) >= packedFrom && takesGzip(r) {
		head.Set("Content-Encoding", "gzip")
		page = pack(page, gzip.BestSpeed)
	}
	head.Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(status)
	_, _ = w.Write(page) // a browser that has gone needs no answer
}
