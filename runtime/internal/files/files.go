package files

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/machine"
)

// MaxEntries bounds the folders and files that a look visits; the rest is not seen.
const MaxEntries = 100_000

// Date sets since when files are as they are: since the look before if they have not changed,
// else since now.
func Date(found, before map[string]machine.File, now time.Time) {
	for path, f := range found { // in any order: each is its own
		f.Since = now
		if was, ok := before[path]; ok && was.Size == f.Size && was.Modified.Equal(f.Modified) {
			f.Since = was.Since
		}
		found[path] = f
	}
}

// Told is what a wait has heard. It is not safe for concurrent use.
type Told struct {
	settle time.Duration
	files  map[string]machine.File
}

// Tell is for a wait that wants files which have been quiet for so long.
func Tell(settle time.Duration) *Told {
	return &Told{settle: settle, files: map[string]machine.File{}}
}

// Take notes the files that are quiet now, and reports whether there is a new one.
func (t *Told) Take(found map[string]machine.File, now time.Time) (news bool) {
	for path := range t.files {
		if _, there := found[path]; !there {
			delete(t.files, path)
		}
	}
	for path, f := range found { // in any order
		if now.Sub(f.Since) < t.settle {
			continue
		}
		if was, ok := t.files[path]; !ok || !was.Since.Equal(f.Since) {
			t.files[path], news = f, true
		}
	}
	return news
}

// Find finds the files that match a pattern, by their paths as the pattern spells
// them. dir is the folder of relative ones. It visits at most so many entries; whole says
// that there are no more. What cannot be read is left out.
func Find(dir string, p graph.PathPattern, most int) (found map[string]machine.File, whole bool) {
	folder, deep := p.Root()
	root := filepath.FromSlash(folder)
	if !filepath.IsAbs(root) {
		root = filepath.Join(dir, root)
	}
	found, whole = map[string]machine.File{}, true
	spelled := ""
	if strings.HasPrefix(p.Text, "./") {
		spelled = "./"
	}
	visited := 0
	_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if visited++; visited > most {
			whole = false
			return filepath.SkipAll
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || rel == "." {
			return nil
		}
		name := filepath.ToSlash(rel)
		if folder != "." {
			name = strings.TrimSuffix(folder, "/") + "/" + name
		}
		if e.IsDir() {
			if !deep && strings.Count(name, "/")+1 >= p.Depth() {
				return filepath.SkipDir
			}
			return nil
		}
		if !utf8.ValidString(name) || !p.Match(name) {
			return nil
		}
		info, err := os.Stat(path) // follows links
		if err == nil && info.Mode().IsRegular() {
			found[spelled+name] = machine.File{Path: spelled + name, Size: info.Size(), Modified: info.ModTime().UTC()}
		}
		return nil
	})
	return found, whole
}
