package blob

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// killedIn names the folder in which a child of TestKilledPut puts blobs until it is killed.
const killedIn = "BLOB_TEST_PUT_INTO"

// TestKilledPut kills processes in the middle of a Put: every blob is whole, and those whose
// Put had returned are there.
func TestKilledPut(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(killedIn); dir != "" {
		putForEver(t, dir)
	}
	f := folder(t)
	half := filepath.Join(f.dir, "*", newPrefix+"*")
	var left []string
	for round := 0; round < 20 && len(left) < 2; round++ {
		killInPut(t, f)
		var err error
		if left, err = filepath.Glob(half); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range left {
		age(t, path, 2*abandonedAge)
	}
	whole := 0
	for _, name := range names(t, f.dir) {
		if strings.HasPrefix(name, newPrefix) {
			continue
		}
		whole++
		if _, err := f.Get(t.Context(), name); err != nil {
			t.Errorf("there is half a blob under its name: %v", err)
		}
	}
	if len(left) == 0 && !t.Failed() {
		t.Fatal("no child was killed in the middle of a Put")
	}
	if _, err := f.Sweep(t.Context(), MinAge); err != nil {
		t.Fatal(err)
	}
	if all := names(t, f.dir); len(all) != whole {
		t.Errorf("got %v after a sweep, want %d blobs", all, whole)
	}
}

// killInPut starts a child, lets it put some blobs, and kills it when it writes another one.
func killInPut(t *testing.T, f *FolderStore) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledPut$")
	child.Env = append(os.Environ(), killedIn+"="+f.dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	lines := bufio.NewScanner(out)
	var put []string
	for len(put) < 2 && lines.Scan() {
		put = append(put, lines.Text())
	}
	if len(put) < 2 {
		t.Fatalf("the child ended: %v", put)
	}
	files := len(names(t, f.dir))
	for len(names(t, f.dir)) == files { // the next file is either half or just whole
		if t.Context().Err() != nil {
			break
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		put = append(put, lines.Text())
	}
	for _, hash := range put {
		if !isHash(hash) { // the last line may be cut off
			continue
		}
		if _, err := f.Get(t.Context(), hash); err != nil {
			t.Error(err)
		}
	}
}

// putForEver prints the hash of each blob whose Put has returned.
func putForEver(t *testing.T, dir string) {
	f, err := Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8<<20)
	for i := 0; ; i++ {
		copy(b, fmt.Sprintf("%d of %d", i, os.Getpid()))
		hash, err := f.Put(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(hash)
	}
}
