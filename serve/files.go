package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxFolders bounds the folders below one path: all of them are listed every
// second.
const maxFolders = 1000

// filesOf lists the graph files of paths, sorted, each once. A path is a file,
// or a folder that stands for the graph files in it and below it.
func filesOf(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no file or folder %s", path)
		}
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, filepath.Clean(path))
			continue
		}
		found, err := filesIn(path)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// filesIn lists the graph files in a folder and in the folders below it. Hidden
// folders are skipped. So are links to folders, since they can lead anywhere.
func filesIn(path string) (files []string, err error) {
	folders := []string{path}
	for k := 0; k < len(folders); k++ {
		entries, err := os.ReadDir(folders[k])
		switch {
		case k > 0 && errors.Is(err, fs.ErrNotExist): // deleted since it was listed
			continue
		case err != nil:
			return nil, err
		}
		for _, e := range entries {
			name := filepath.Join(folders[k], e.Name())
			switch {
			case e.IsDir() && !strings.HasPrefix(e.Name(), "."):
				folders = append(folders, name)
			case !e.IsDir() && (strings.HasSuffix(name, ".graphrun.yaml") || strings.HasSuffix(name, ".graphrun.yml")):
				files = append(files, name)
			}
		}
		if len(folders) > maxFolders {
			return nil, fmt.Errorf("there are more than %d folders in %s: name the folders or files to serve", maxFolders, path)
		}
	}
	return files, nil
}

// stamp is what a file looks like from outside. It is zero for a file that does
// not exist.
type stamp struct {
	modified time.Time
	size     int64
}

func stampOf(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// stamps has the stamp of each file that a graph was read from: its own file, and
// those of the graphs that its nodes run.
type stamps map[string]stamp

// look stamps the same files again.
func (s stamps) look() stamps {
	now := make(stamps, len(s))
	for file := range s {
		now[file] = stampOf(file)
	}
	return now
}
