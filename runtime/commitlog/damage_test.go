package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// sample is a log of two segments as a crash leaves it, and where its frames are.
type sample struct {
	*base
	files  [2][]byte
	frames []where
}

// where is a frame, and whether anything behind it says that it had been on disk.
type where struct {
	text     string // "" is an end frame
	file     int
	pos, end int
	proved   bool
}

// newSample makes groups of synced frames in a first and a second segment.
func newSample(t *testing.T, first, second [][]string) *sample {
	t.Helper()
	s := &sample{base: newBase(t)}
	l := s.start(t)
	for i, groups := range [][][]string{first, second} {
		pos := headerSize
		for g, group := range groups {
			add(t, l, group...)
			for _, text := range group {
				end := pos + frameSize + len(text)
				s.frames = append(s.frames, where{text, i, pos, end, g < len(groups)-1 || i == 0 && second != nil})
				pos = end
			}
		}
		if i == 0 && second != nil {
			rotate(t, l)
			s.frames = append(s.frames, where{"", 0, pos, pos + endSize, len(second) > 0})
		}
	}
	if err := l.Close(false); err != nil {
		t.Fatal(err)
	}
	for i, name := range there(s.Path) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s.files[i] = b
	}
	return s
}

// put makes a file of the log hold something else.
func (s *sample) put(t *testing.T, file int, b []byte) {
	t.Helper()
	if err := os.WriteFile(Files(s.Path)[file], b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// before gives the texts of the frames in front of one.
func (s *sample) before(n int) (list []string) {
	for _, f := range s.frames[:n] {
		if f.text != "" {
			list = append(list, f.text)
		}
	}
	return list
}

// at is the frame that a byte of a file is in; the number of frames if there is none.
func (s *sample) at(file, pos int) int {
	for i, f := range s.frames {
		if f.file == file && pos >= f.pos && pos < f.end {
			return i
		}
	}
	return len(s.frames)
}

func texts(prefix string, sizes ...int) (list []string) {
	for i, n := range sizes {
		list = append(list, fmt.Sprintf("%s%d%s", prefix, i, strings.Repeat("-", n)))
	}
	return list
}

// A log whose end is cut off gives what is in front, wherever it is cut, and whatever is
// there instead: nothing, zeros, or what a file held before.
func TestTornEnd(t *testing.T) {
	t.Parallel()
	s := newSample(t, [][]string{texts("a", 10, 200), texts("b", 30, 0, 90), texts("c", 120, 3)}, nil)
	whole := s.files[0]
	stale := slices.Repeat(whole[headerSize:headerSize+200], 100)
	last := s.frames[len(s.frames)-1].end
	for cut := last - 300; cut <= last; cut++ {
		zeroed, garbage := bytes.Clone(whole), bytes.Clone(whole)
		clear(zeroed[cut:])
		copy(garbage[cut:], stale)
		for i, b := range [][]byte{whole[:cut], zeroed, garbage} {
			s.put(t, 0, b)
			got, r, err := s.read()
			n := s.at(0, cut)
			// Cut between frames: what was put there begins no frame.
			want := s.before(n)
			if err != nil || !slices.Equal(got, want) || n < len(s.frames) && r.End != int64(s.frames[n].pos) {
				t.Fatalf("cut at %d, way %d: %d frames, want %d; end %d, %v", cut, i, len(got), len(want), r.End, err)
			}
		}
	}
}

// A flipped bit never changes what is read: it ends the log if nobody can know that the
// frame had been on disk, and is damage otherwise.
func TestBitFlips(t *testing.T) {
	t.Parallel()
	groups := [][]string{texts("a", 10, 200), texts("b", 30, 0, 90), texts("c", 120, 3)}
	for name, s := range map[string]*sample{
		"one segment":              newSample(t, groups, nil),
		"two segments":             newSample(t, groups, groups[:2]),
		"the second one has none":  newSample(t, groups, [][]string{}),
		"one group and two frames": newSample(t, groups[:1], groups[2:]),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(1, uint64(len(name))))
			for file, b := range s.files {
				for pos := range b {
					if pos > 64 && (pos < headerSize-4 || pos > s.frames[len(s.frames)-1].end+400) && rnd.IntN(100) > 0 {
						continue // there is nothing but zeros
					}
					s.flip(t, file, pos, rnd.IntN(8))
				}
				if b != nil {
					s.put(t, file, b)
				}
			}
		})
	}
}

func (s *sample) flip(t *testing.T, file, pos, bit int) {
	t.Helper()
	b := bytes.Clone(s.files[file])
	b[pos] ^= 1 << bit
	s.put(t, file, b)
	got, _, err := s.read()
	var damage *Damage
	var foreign *Foreign
	isDamage := errors.As(err, &damage)
	if pos < headerSize {
		fits := isDamage && damage.Byte == 0 && damage.File == Files(s.Path)[file]
		if !fits && !(pos < len(magic) && errors.As(err, &foreign)) {
			t.Fatalf("byte %d of file %d: %v", pos, file, err)
		}
		return
	}
	n := s.at(file, pos)
	if n < len(s.frames) && s.frames[n].proved {
		if !isDamage || damage.Byte != int64(s.frames[n].pos) || damage.File != Files(s.Path)[file] {
			t.Fatalf("byte %d of file %d, in the frame at %d: %v", pos, file, s.frames[n].pos, err)
		}
		return
	}
	if want := s.before(n); err != nil || !slices.Equal(got, want) {
		t.Fatalf("byte %d of file %d: %d frames, want %d, %v", pos, file, len(got), len(want), err)
	}
}

// What is in a file that the database does not need does not matter.
func TestBitFlipsInWhatIsNotNeeded(t *testing.T) {
	t.Parallel()
	s := newSample(t, [][]string{texts("a", 10, 200)}, [][]string{texts("b", 30)})
	h, _ := parseHeader(s.files[1])
	s.mark = Mark{Applied: 1, Nonce: h.nonce}
	for pos := len(magic); pos < headerSize+300; pos++ {
		if pos > 100 && pos < headerSum && pos%200 > 0 {
			continue // there is nothing but zeros
		}
		b := bytes.Clone(s.files[0])
		b[pos] ^= 4
		s.put(t, 0, b)
		s.want(t, s.frames[len(s.frames)-1].text)
	}
}
