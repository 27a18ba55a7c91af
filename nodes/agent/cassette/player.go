package cassette

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

const (
	maxLine      = 3 * maxText  // bytes: two texts, escaped
	maxRecording = 1024 << 20   // bytes of a whole recording
	unknownType  = "unrecorded" // error type of a question that is not in the recording
)

// Player answers from a recording. It is safe for concurrent use, and goes over no
// network.
type Player struct {
	name string
	mask func(string) string

	mu        sync.Mutex
	exchanges []*exchange // with providers
	byHash    map[[sha256.Size]byte][]*exchange
	servers   []*recorded
}

// exchange is a recorded exchange with a provider.
type exchange struct {
	modelLine
	line int
	used bool
}

func (x *exchange) meaning() meaning { return meaningOf(x.Path, x.Request) }

// Load reads a recording. Errors name the line that is wrong, after name. mask hides
// secrets in what is asked, as they were hidden in what was recorded; nil means that
// there are none.
func Load(name string, r io.Reader, mask func(string) string) (*Player, error) {
	p := &Player{name: name, mask: mask, byHash: map[[sha256.Size]byte][]*exchange{}}
	in := bufio.NewReaderSize(&io.LimitedReader{R: r, N: maxRecording + 1}, 64<<10)
	total := 0
	for n := 1; ; n++ {
		text, err := readLine(in)
		total += len(text)
		if err == nil || len(text) > 0 && errors.Is(err, io.EOF) {
			if wrong := p.add(n, bytes.TrimSpace(text)); wrong != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, n, wrong)
			}
		}
		switch {
		case total > maxRecording:
			return nil, fmt.Errorf("%s:%d: the recording is longer than %d MiB", name, n, maxRecording>>20)
		case errors.Is(err, io.EOF):
			return p, nil
		case err != nil:
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
}

// readLine reads up to a line end, or the end of the text: then the error is io.EOF.
func readLine(in *bufio.Reader) (line []byte, err error) {
	for {
		piece, err := in.ReadSlice('\n')
		line = append(line, piece...)
		switch {
		case len(line) > maxLine:
			return nil, fmt.Errorf("the line is longer than %d MiB", maxLine>>20)
		case !errors.Is(err, bufio.ErrBufferFull):
			return line, err
		}
	}
}

// add takes a line of the recording up.
func (p *Player) add(n int, text []byte) error {
	if n == 1 {
		text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	}
	if len(text) == 0 {
		return nil
	}
	var line struct {
		modelLine
		Server  *string         `json:"server"`
		Tool    string          `json:"tool"`
		Request json.RawMessage `json:"request"`
		Body    json.RawMessage `json:"body"`
		Error   *serverFail     `json:"error"`
	}
	if err := json.Unmarshal(text, &line); err != nil {
		return fmt.Errorf("this is no exchange: %w", err)
	}
	request, body := asText(line.Request), asText(line.Body)
	switch {
	case line.Server != nil:
		s := serverLine{ID: line.ID, Server: *line.Server, Tool: line.Tool, Request: request, Body: body, Error: line.Error}
		p.servers = append(p.servers, &recorded{serverLine: s, line: n})
		return nil
	case line.Path == "":
		return errors.New(`this is no exchange: it has neither a "path" nor a "server"`)
	case line.Status != 0 && (line.Status < 100 || line.Status > 999):
		return fmt.Errorf(`"status" is %d: expected that of a response, or 0`, line.Status)
	}
	x := &exchange{modelLine: line.modelLine, line: n}
	x.Request, x.Body = request, body
	p.exchanges = append(p.exchanges, x)
	h := x.meaning().hash()
	p.byHash[h] = append(p.byHash[h], x)
	return nil
}

// asText is a member that is a text, or the JSON text of any other value.
func asText(v json.RawMessage) string {
	var text string
	if len(v) == 0 || string(v) == "null" || json.Unmarshal(v, &text) == nil {
		return text
	}
	return string(v)
}

// RoundTrip answers a request from the recording. A question that is not in it gets a
// response of status 404 with an error in the form of both APIs.
func (p *Player) RoundTrip(req *http.Request) (*http.Response, error) {
	b, err := readAll(req)
	if err != nil {
		return nil, err
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	asked := masked(p.mask, string(b))
	x, unknown := p.find(req, asked)
	if unknown != "" {
		body := jsonText(map[string]any{"type": "error", "error": map[string]any{"type": unknownType, "message": unknown}})
		return response(req, modelLine{Status: http.StatusNotFound, ContentType: "application/json", Body: body}), nil
	}
	if x.Status == 0 {
		return nil, errors.New(x.Body)
	}
	return response(req, x.modelLine), nil
}

// find takes an exchange whose question means the same, and was not answered from yet:
// the first that is the same to the letter, else the first to the same address, else the
// first. unknown says why there is none.
func (p *Player) find(req *http.Request, asked string) (found *exchange, unknown string) {
	m := meaningOf(req.URL.Path, asked)
	p.mu.Lock()
	defer p.mu.Unlock()
	same := p.byHash[m.hash()]
	best := -1
	for _, x := range same {
		if rank := x.rank(req, asked); !x.used && rank > best {
			found, best = x, rank
		}
	}
	if found != nil {
		found.used = true
		return found, ""
	}
	if len(same) > 0 {
		return nil, fmt.Sprintf("the recording %s has this question %d times (line %d), and it was asked once more", p.name, len(same), same[0].line)
	}
	if near := nearest(m, p.exchanges); near != nil {
		return nil, fmt.Sprintf("the recording %s does not have this question; the nearest is in line %d: %s", p.name, near.line, differences(near.meaning(), m))
	}
	return nil, fmt.Sprintf("the recording %s does not have this question, nor any like it", p.name)
}

func (x *exchange) rank(req *http.Request, asked string) int {
	rank := 0
	if x.Request == asked {
		rank += 2
	}
	if x.Host == req.URL.Host && x.Path == req.URL.Path {
		rank++
	}
	return rank
}

// response is a recorded answer as a client gets it.
func response(req *http.Request, line modelLine) *http.Response {
	h := http.Header{"Content-Type": {line.ContentType}}
	if strings.Contains(line.RetryAfter, ".") {
		if s, err := strconv.ParseFloat(line.RetryAfter, 64); err == nil {
			h.Set("Retry-After-Ms", strconv.FormatFloat(s*1000, 'f', 0, 64))
		}
	} else if line.RetryAfter != "" {
		h.Set("Retry-After", line.RetryAfter)
	}
	return &http.Response{
		StatusCode: line.Status, Status: strconv.Itoa(line.Status) + " " + http.StatusText(line.Status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(line.Body)), ContentLength: -1, Request: req,
	}
}
