package std

// head keeps the first max bytes that are written to it and drops the rest.
// (It holds a slice, not a bytes.Buffer: io.Copy would find the buffer's
// ReadFrom and write past any bound.)
type head struct {
	max  int64
	kept []byte
	full bool
	over chan struct{} // closed when the first byte is dropped
}

func (h *head) Write(b []byte) (int, error) {
	room := h.max - int64(len(h.kept))
	if int64(len(b)) <= room {
		h.kept = append(h.kept, b...)
		return len(b), nil
	}
	h.kept = append(h.kept, b[:room]...)
	if !h.full {
		h.full = true
		close(h.over)
	}
	return len(b), nil
}
