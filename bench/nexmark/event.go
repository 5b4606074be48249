package nexmark

import "strconv"

// Kind says what an event is about.
type Kind uint8

// The kinds of events.
const (
	IsPerson Kind = iota + 1
	IsAuction
	IsBid
)

// An Event is a new person, a new auction or a bid. Nothing changes an event once it is made.
type Event struct {
	Kind    Kind
	At      int64    // event time, milliseconds
	Person  *Person  // of IsPerson
	Auction *Auction // of IsAuction
	Bid     Bid      // of IsBid
}

// Person is someone who sells or bids.
type Person struct {
	ID                             int64
	Name, Email, Card, City, State string
	At                             int64
	Extra                          string // makes the event as large as it should be
}

// Auction is a thing on sale.
type Auction struct {
	ID                  int64
	Item, Description   string
	InitialBid, Reserve int64 // cents
	At, Expires         int64 // milliseconds
	Seller, Category    int64
	Extra               string
}

// Bid is an offer for an auction.
type Bid struct {
	Auction int64  `json:"auction"`
	Bidder  int64  `json:"bidder"`
	Price   int64  `json:"price"`    // cents
	At      int64  `json:"dateTime"` // milliseconds
	Extra   string `json:"extra"`
}

// AppendText appends the event as a line without its end: the kind's letter, event time, watermark, and the fields, with bars between them.
func (e *Event) AppendText(dst []byte, watermark int64) []byte {
	letter := map[Kind]byte{IsPerson: 'P', IsAuction: 'A', IsBid: 'B'}[e.Kind]
	l := line{append(dst, letter)}
	l.numbers(e.At, watermark)
	switch e.Kind {
	case IsPerson:
		p := e.Person
		l.numbers(p.ID)
		l.texts(p.Name, p.Email, p.Card, p.City, p.State, p.Extra)
	case IsAuction:
		a := e.Auction
		l.numbers(a.ID)
		l.texts(a.Item, a.Description)
		l.numbers(a.InitialBid, a.Reserve, a.Expires, a.Seller, a.Category)
		l.texts(a.Extra)
	case IsBid:
		l.numbers(e.Bid.Auction, e.Bid.Bidder, e.Bid.Price)
		l.texts(e.Bid.Extra)
	}
	return l.bytes
}

type line struct{ bytes []byte }

func (l *line) numbers(ns ...int64) {
	for _, n := range ns {
		l.bytes = strconv.AppendInt(append(l.bytes, '|'), n, 10)
	}
}

func (l *line) texts(ts ...string) {
	for _, t := range ts {
		l.bytes = append(append(l.bytes, '|'), t...)
	}
}
