package loggen

// heap is a priority queue: pop gives the least value. The zero value needs less.
type heap[T any] struct {
	less   func(a, b T) bool
	values []T
}

func (h *heap[T]) len() int { return len(h.values) }

func (h *heap[T]) top() T { return h.values[0] }

func (h *heap[T]) push(v T) {
	h.values = append(h.values, v)
	for i := len(h.values) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.less(h.values[i], h.values[parent]) {
			return
		}
		h.values[i], h.values[parent] = h.values[parent], h.values[i]
		i = parent
	}
}

func (h *heap[T]) pop() T {
	last := len(h.values) - 1
	top := h.values[0]
	h.values[0] = h.values[last]
	clear(h.values[last:])
	h.values = h.values[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if h.less(h.values[child], h.values[least]) {
				least = child
			}
		}
		if least == i {
			return top
		}
		h.values[i], h.values[least] = h.values[least], h.values[i]
		i = least
	}
}
