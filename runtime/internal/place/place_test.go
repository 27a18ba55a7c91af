package place

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		do  func(path string, p *Place) error
		why string
	}{
		"nothing": {func(string, *Place) error { return nil }, ""},
		"moved":   {func(path string, _ *Place) error { return os.Rename(path, path+".away") }, "was moved or deleted"},
		"deleted": {func(path string, _ *Place) error { return os.Remove(path) }, "was moved or deleted"},
		"replaced": {func(path string, _ *Place) error {
			if err := os.Rename(path, path+".away"); err != nil {
				return err
			}
			return os.WriteFile(path, []byte("as long as it was"), 0o600)
		}, "was replaced"},
		"cut off": {func(path string, _ *Place) error { return os.Truncate(path, 3) }, "3 bytes, 10 before"},
		"shrunk": {func(path string, p *Place) error {
			p.Shrink(3)
			return os.Truncate(path, 3)
		}, ""},
		"less than it grew to": {func(_ string, p *Place) error {
			p.Grow(11)
			p.Grow(1)
			return nil
		}, "10 bytes, 11 before"},
		"unreachable": {func(path string, _ *Place) error {
			if err := os.Rename(filepath.Dir(path), filepath.Dir(path)+".away"); err != nil {
				return err
			}
			return os.WriteFile(filepath.Dir(path), nil, 0o600) // a file in the folder's place
		}, "cannot be reached"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "folder", "file")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("ten bytes."), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			p, err := Of(f, path)
			if err != nil {
				t.Fatal(err)
			}
			if size, err := p.Check(); size != 10 || err != nil {
				t.Fatalf("got %d (%v) at first", size, err)
			}
			if err := c.do(path, p); err != nil {
				t.Fatal(err)
			}
			switch _, err := p.Check(); {
			case c.why == "" && err != nil:
				t.Errorf("got %v", err)
			case c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)):
				t.Errorf("got %v, want %q", err, c.why)
			}
		})
	}
}
