package keyed

// slab holds values in pieces that never move, so that pointers into it stay valid and growing copies nothing. Slot 0 is never used:
// a zero reference means no value.
type slab[V any] struct {
	pieces [][]V
	free   []uint32
	used   uint32
}

const slabPiece = 256

func (s *slab[V]) alloc() uint32 {
	if n := len(s.free); n > 0 {
		ref := s.free[n-1]
		s.free = s.free[:n-1]
		return ref
	}
	s.used++
	if int(s.used/slabPiece) >= len(s.pieces) {
		s.pieces = append(s.pieces, make([]V, slabPiece))
	}
	return s.used
}

func (s *slab[V]) at(ref uint32) *V { return &s.pieces[ref/slabPiece][ref%slabPiece] }

func (s *slab[V]) release(ref uint32) {
	var zero V
	*s.at(ref) = zero
	s.free = append(s.free, ref)
}
