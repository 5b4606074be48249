package nexmark

// IDs begin with these.
const (
	FirstPerson   int64 = 1000
	FirstAuction  int64 = 1000
	FirstCategory int64 = 10
)

const (
	categories = 5
	hotEvery   = 100 // of so many people and auctions one is hot, while they are the newest
	idLead     = 10  // sellers and auctions may be so many ahead of what there is
)

// Generator makes the events of one of a config's generators. Event n is a function of the config and n alone: the random numbers start anew for each event, from
// its id. It is used by one goroutine.
type Generator struct {
	Config
	first, events int64 // the id of its first event, how many there are
	delayUs       int64
	text          text
	people        []Person
	auctions      []Auction
}

// NewGenerator makes generator number i of c, from 0. It panics where c has an error or no such generator; Source.Open returns the error.
func NewGenerator(c Config, i int) *Generator {
	if err := c.Err(); err != nil {
		panic(err)
	}
	c = c.filled()
	if i < 0 || i >= c.Generators {
		panic("nexmark: there is no such generator")
	}
	g := &Generator{Config: c, delayUs: c.delay()}
	g.first, g.events = c.share(i)
	return g
}

// share is the id of the first event of generator i, and how many it makes. The last makes what division leaves.
func (c Config) share(i int) (first, events int64) {
	each := c.Events / int64(c.Generators)
	if i == c.Generators-1 {
		return each * int64(i), c.Events - each*int64(i)
	}
	return each * int64(i), each
}

// Len is the number of events.
func (g *Generator) Len() int64 { return g.events }

// adjusted is the number of the event that comes n-th, which differs within a group.
func (g *Generator) adjusted(n int64) int64 { return n/g.GroupSize*g.GroupSize + n*953%g.GroupSize }

// at is the event time of the event with a number.
func (g *Generator) at(number int64) int64 { return BaseTime + number*g.delayUs/1000 }

// Watermark is a time that event n and all that follow it are not before.
func (g *Generator) Watermark(n int64) int64 { return g.at(n / g.GroupSize * g.GroupSize) }

// Make sets e to event n, from 0. Its strings, and its person or auction, share memory with those of the generator's neighbouring events, up to 64 KiB: who
// keeps one for long clones it.
func (g *Generator) Make(n int64, e *Event) {
	number := g.adjusted(n)
	id := g.first + number
	r := seeded(id)
	*e = Event{At: g.at(number)}
	switch off := id % eventsInRound; {
	case off < personsInRound:
		e.Kind, e.Person = IsPerson, g.person(&r, id, e.At)
	case off < personsInRound+auctionsInRound:
		e.Kind, e.Auction = IsAuction, g.auction(&r, n, id, e.At)
	default:
		e.Kind = IsBid
		g.bid(&r, id, e.At, &e.Bid)
	}
}

func (g *Generator) person(r *random, id, at int64) *Person {
	p := oneOf(&g.people)
	p.ID, p.At = newestPerson(id)+FirstPerson, at
	p.Name = g.text.name(r)
	p.Email = g.text.email(r)
	p.Card = g.text.card(r)
	p.City = cities[r.below(int32(len(cities)))]
	p.State = states[r.below(int32(len(states)))]
	p.Extra = g.text.padding(r, 8+len(p.Name)+len(p.Email)+len(p.Card)+len(p.City)+len(p.State), g.PersonSize)
	return p
}

func (g *Generator) auction(r *random, n, id, at int64) *Auction {
	a := oneOf(&g.auctions)
	a.ID, a.At = newestAuction(id)+FirstAuction, at
	if r.below(g.HotSellersRatio) > 0 {
		a.Seller = FirstPerson + newestPerson(id)/hotEvery*hotEvery
	} else {
		a.Seller = FirstPerson + g.somePerson(r, id)
	}
	a.Category = FirstCategory + int64(r.below(categories))
	a.InitialBid = r.price()
	a.Expires = at + g.length(r, n, at)
	a.Item = g.text.words(r, 20)
	a.Description = g.text.words(r, 100)
	a.Reserve = a.InitialBid + r.price()
	a.Extra = g.text.padding(r, 48+len(a.Item)+len(a.Description), g.AuctionSize)
	return a
}

func (g *Generator) bid(r *random, id, at int64, b *Bid) {
	if r.below(g.HotAuctionRatio) > 0 {
		b.Auction = FirstAuction + newestAuction(id)/hotEvery*hotEvery
	} else {
		b.Auction = FirstAuction + g.someAuction(r, id)
	}
	if r.below(g.HotBiddersRatio) > 0 {
		b.Bidder = FirstPerson + newestPerson(id)/hotEvery*hotEvery + 1
	} else {
		b.Bidder = FirstPerson + g.somePerson(r, id)
	}
	b.Price, b.At = r.price(), at
	b.Extra = g.text.padding(r, 32, g.BidSize)
}

// length is how long an auction lasts, in milliseconds: on average as long as it takes to make as many auctions as are in flight.
func (g *Generator) length(r *random, n, at int64) int64 {
	until := g.at(g.adjusted(n) + g.InFlightAuctions*eventsInRound/auctionsInRound)
	return 1 + r.below64(max(2*(until-at), 1))
}

// newestPerson and newestAuction number, from 0, the newest there is when an event is made.
func newestPerson(id int64) int64 {
	return id/eventsInRound*personsInRound + min(id%eventsInRound, personsInRound-1)
}

func newestAuction(id int64) int64 {
	round, off := id/eventsInRound, id%eventsInRound
	switch {
	case off < personsInRound:
		round, off = round-1, auctionsInRound-1 // none in this round yet
	case off < personsInRound+auctionsInRound:
		off -= personsInRound
	default:
		off = auctionsInRound - 1
	}
	return round*auctionsInRound + off
}

func (g *Generator) somePerson(r *random, id int64) int64 {
	people := newestPerson(id) + 1
	active := min(people, g.ActivePeople)
	return people - active + r.below64(active+idLead)
}

func (g *Generator) someAuction(r *random, id int64) int64 {
	newest := newestAuction(id)
	oldest := max(newest-g.InFlightAuctions, 0)
	return oldest + r.below64(newest-oldest+1+idLead)
}

// oneOf gives a zero value out of a slab.
func oneOf[T any](slab *[]T) *T {
	if len(*slab) == cap(*slab) {
		*slab = make([]T, 0, 64)
	}
	var zero T
	*slab = append(*slab, zero)
	return &(*slab)[len(*slab)-1]
}
