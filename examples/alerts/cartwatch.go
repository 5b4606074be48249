package main

import (
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/stream"
)

// CartWatch emits an Alert when a cart has waited for its checkout for longer than Patience, counted from its first item. Each task has its own.
type CartWatch struct {
	Patience time.Duration

	cart stream.ValueState[Cart] // of the user at hand; none while nothing is in it
}

// Cart is what the state keeps for a user.
type Cart struct {
	Since time.Time
	Items int
}

// Open declares the state.
func (w *CartWatch) Open(ctx *stream.OpenContext) error {
	w.cart = stream.NewValue(ctx, "cart", codec.JSON[Cart](1))
	return nil
}

// Process implements stream.Function. The timer waits for the watermark, which is behind the newest action, so an action may come after the deadline and before
// the timer.
func (w *CartWatch) Process(ctx *stream.Context, action stream.Keyed[string, Action], out *stream.Collector[Alert]) error {
	cart, waiting := w.cart.Get()
	if waiting && action.Value.At.After(w.deadline(cart)) {
		w.drop(ctx, cart)
		out.Emit(Alert{action.Key, cart.Since, cart.Items})
		cart, waiting = Cart{}, false
	}
	switch {
	case action.Value.Kind == "checkout" && waiting:
		w.drop(ctx, cart)
	case action.Value.Kind == "add":
		if !waiting {
			cart.Since = action.Value.At
			ctx.SetEventTimer(w.deadline(cart))
		}
		cart.Items++
		w.cart.Set(cart)
	}
	return nil
}

// OnTimer implements stream.TimerHandler: the cart is still there.
func (w *CartWatch) OnTimer(_ *stream.Context, user stream.Keyed[string, Action], _ time.Time, out *stream.Collector[Alert]) error {
	cart, _ := w.cart.Get()
	w.cart.Clear()
	out.Emit(Alert{user.Key, cart.Since, cart.Items})
	return nil
}

func (w *CartWatch) deadline(c Cart) time.Time { return c.Since.Add(w.Patience) }

func (w *CartWatch) drop(ctx *stream.Context, c Cart) {
	ctx.DeleteEventTimer(w.deadline(c))
	w.cart.Clear()
}
