package agenttest

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"math"
	"strings"
)

// vectors is an answer of embeddings, as floats or base64 as it was asked for.
func vectors(q *Question, r *Reply) any {
	data := []any{}
	for i, text := range q.Inputs {
		v := embed(text)
		if r.Vectors != nil {
			v = r.Vectors[i%len(r.Vectors)]
		}
		var e any = v
		if q.JSON["encoding_format"] == "base64" {
			b := make([]byte, 0, 4*len(v))
			for _, x := range v {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
			}
			e = base64.StdEncoding.EncodeToString(b)
		}
		data = append(data, object{"object": "embedding", "index": i, "embedding": e})
	}
	out := object{"object": "list", "model": r.model(q), "data": data}
	if !r.NoUsage {
		u := r.usage()
		out["usage"] = object{"prompt_tokens": u.Input, "total_tokens": u.Input}
	}
	return out
}

// embed counts the words of a text in eight bins, so that texts with common words are
// near each other, and makes the vector's length 1.
func embed(text string) []float32 {
	v := make([]float32, 8)
	for w := range strings.FieldsSeq(strings.ToLower(text)) {
		h := fnv.New32a()
		_, _ = h.Write([]byte(w))
		v[h.Sum32()%8]++
	}
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		v[0], sum = 1, 1
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / math.Sqrt(sum))
	}
	return v
}
