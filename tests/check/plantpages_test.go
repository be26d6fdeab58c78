package check

// wholeDevice is a page that shows what one node shows in the end, of the device of some acknowledged batch.
func (p *planting) wholeDevice() *Page {
	b := p.batch(func(b *Batch) bool { return b.Outcome == Acked && b.Numbered && b.Variant == 0 })
	f := p.run.Finals[0]
	page := &Page{Device: b.Counter.Device, Frames: NewFinal(f.Node)}
	page.Answer = Answer{Node: f.Node, Consistency: "leader", Invoke: f.At, Return: f.At + 1, History: f.History, Index: f.Index}
	for _, row := range p.rows[f.Node] {
		if row.Counter.Device == page.Device {
			page.Frames.AddRow(&row)
		}
	}
	return page
}

// someRow is a row of the page's device.
func (p *planting) someRow(page *Page, fits func(*Row) bool) Row {
	return *pick(p, p.rows[page.Node], func(r *Row) bool { return r.Counter.Device == page.Device && fits(r) })
}

// spoilPage shows a page that is not right.
func spoilPage(spoil func(p *planting, page *Page)) func(*planting, *Run) bool {
	return func(p *planting, r *Run) bool {
		page := p.wholeDevice()
		spoil(p, page)
		r.Pages = append(r.Pages, page)
		return true
	}
}

// pagePlants are about frames that are shown during the run.
var pagePlants = []plant{
	{name: "one frame is not shown", checker: "pages", words: "WITHHELD", run: spoilPage(func(p *planting, page *Page) {
		gone := p.someRow(page, func(r *Row) bool { return p.acked(r) != nil })
		page.Frames = NewFinal(page.Node)
		for _, row := range p.rows[page.Node] {
			if row.Counter.Device == page.Device && (row.Counter != gone.Counter || row.Number != gone.Number) {
				page.Frames.AddRow(&row)
			}
		}
	})},
	{name: "one frame is shown twice", checker: "pages", words: "TWICE", run: spoilPage(func(p *planting, page *Page) {
		row := p.someRow(page, func(r *Row) bool { return r.Numbered })
		page.Frames.AddRow(&row)
	})},
	{name: "one frame is shown with other bytes", checker: "pages", words: "CHANGED", run: spoilPage(func(p *planting, page *Page) {
		row := p.someRow(page, func(*Row) bool { return true })
		row.Wrong = "field v is 1, sent was 2"
		page.Frames.AddRow(&row)
	})},
	{name: "a frame is shown that nobody sent", checker: "pages", words: "INVENTED: shown before", run: spoilPage(func(p *planting, page *Page) {
		row := p.someRow(page, func(r *Row) bool { return r.Numbered })
		row.Number = 1 << 40
		page.Frames.AddRow(&row)
	})},
	{name: "a counter is shown that nobody used", checker: "pages", words: "INVENTED: a counter", run: spoilPage(func(_ *planting, page *Page) {
		page.Frames.AddRow(&Row{Counter: Counter{Device: page.Device, Stream: "ghost"}, Number: 1, Numbered: true})
	})},
}
