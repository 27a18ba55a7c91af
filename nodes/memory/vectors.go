package memory

import (
	"encoding/base64"
	"encoding/binary"
	"math"
)

// blockSize is how many vectors lie together. A memory grows by blocks, so that none is
// ever copied.
const blockSize = 128

// vectors are the vectors of a memory, by slots.
type vectors struct {
	dims   int
	n      int
	blocks [][]float32
	norms  []float32 // 1 / length; 0 for a vector without length
	of     []int32   // the item of each slot
}

// add keeps a vector for an item: little-endian floats.
func (v *vectors) add(item int32, raw []byte) {
	if v.n%blockSize == 0 {
		v.blocks = append(v.blocks, make([]float32, blockSize*v.dims))
	}
	at := v.blocks[v.n/blockSize][v.n%blockSize*v.dims:][:v.dims]
	for i := range at {
		at[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	v.norms = append(v.norms, inverseLength(at))
	v.of = append(v.of, item)
	v.n++
}

// inverseLength is 1 / the length of a vector, 0 if it has none that is finite.
func inverseLength(v []float32) float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 || math.IsInf(sum, 0) || math.IsNaN(sum) {
		return 0
	}
	return float32(1 / math.Sqrt(sum))
}

// cosines calls cosine with the cosine of q and the vector of each item that has one.
func (v *vectors) cosines(q []float32, cosine func(item int32, c float32)) {
	length := inverseLength(q)
	if length == 0 {
		return
	}
	for slot := range v.n {
		if v.norms[slot] > 0 {
			at := v.blocks[slot/blockSize][slot%blockSize*v.dims:][:v.dims]
			cosine(v.of[slot], dot(q, at)*v.norms[slot]*length)
		}
	}
}

// dot has eight sums, so that one addition does not wait for the one before.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for len(a) >= 8 && len(b) >= 8 {
		x, y := (*[8]float32)(a), (*[8]float32)(b)
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
		s4 += x[4] * y[4]
		s5 += x[5] * y[5]
		s6 += x[6] * y[6]
		s7 += x[7] * y[7]
		a, b = a[8:], b[8:]
	}
	for i, x := range a {
		s0 += x * b[i]
	}
	return (s0 + s4) + (s1 + s5) + ((s2 + s6) + (s3 + s7))
}

// rawOf writes a vector as stores keep it.
func rawOf(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// textOf writes a vector as journal.MemoryWrite has it.
func textOf(v []float32) string { return base64.StdEncoding.EncodeToString(rawOf(v)) }
