package segment

// OpenAll opens segments by way of open, which says where they are and how one is given back. release gives all of them back; it is never nil, and is
// to be called also where there is an error.
func OpenAll(list []Info, open func(Name) (*Reader, func(), error)) (readers []*Reader, release func(), err error) {
	var releases []func()
	release = func() {
		for _, r := range releases {
			r()
		}
	}
	for i := range list {
		r, done, err := open(list[i].Name)
		if err != nil {
			return nil, release, err
		}
		readers, releases = append(readers, r), append(releases, done)
	}
	return readers, release, nil
}
