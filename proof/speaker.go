package proof

import "fmt"

// speaker is the server in whose name a command speaks; "" for a command that is not one server's word.
func speaker(kind uint16, body []byte) (server string, err error) {
	switch kind {
	case KindRoots:
		var c Roots
		err = parse(body, &c)
		return c.Server, err
	case KindKey:
		var c keyCommand
		err = parse(body, &c)
		return c.Server, err
	case KindCosign:
		var c cosignCommand
		err = parse(body, &c)
		return c.Server, err
	}
	return "", nil
}

// FromOther refuses what another server would have committed in a third one's name. caller is who proved to be that server; the log itself cannot tell
// whose the first key of a server is.
func (s *Sealer) FromOther(caller string, kind uint16, body []byte) error {
	server, err := speaker(kind, body)
	if err != nil || server == "" || server == caller {
		return err
	}
	s.metrics.foreign.Inc()
	err = refuse(CodeOtherServer, "find out what runs on that node: its own binary does not do this", "%.300q speaks in the name of %.300q", caller, server)
	s.trouble.warn("a command was refused", fmt.Errorf("kind %d: %w", kind, err))
	return err
}
