package slowreader

import "strings"

// checkWords makes sure that a KEY record was said by those whose keys it is about: by the key that is in use from here on, and by the one before
// it. A key that is retired says nothing any more, nor does one whose server has no vote.
func (k *keyRecord) checkWords(origin string) error {
	if k.VKey == "" {
		if k.LogVKey != "" || k.Replaces == "" || k.Signed != "" || k.ReplacedSigned != "" {
			return damaged("a key that is retired, and words for another: %+v", *k)
		}
		return nil
	}
	if err := k.checkWord(origin, k.VKey, k.Signed); err != nil {
		return err
	}
	if k.ReplacedSigned == "" {
		return nil
	}
	return k.checkWord(origin, k.Replaces, k.ReplacedSigned)
}

// checkWord makes sure that a key signed the word: a note of five lines, of which the record has the signature's, without its dash.
func (k *keyRecord) checkWord(origin, vkey, line string) error {
	v, err := parseVerifier(vkey, typeCosignature)
	if err != nil {
		return err
	}
	if v.name != origin+"/"+k.Node || !strings.HasPrefix(k.Server, k.Node+".") {
		return damaged("a key of %s, and a word of %s, for %s", v.name, k.Node, k.Server)
	}
	replaces := k.Replaces
	if replaces == "" {
		replaces = "-"
	}
	text := strings.Join([]string{origin, "key/v1", k.Server, k.VKey, replaces}, "\n") + "\n"
	n, err := parseNote([]byte(text + "\n— " + line + "\n"))
	if err != nil {
		return err
	}
	if _, fits := n.by(verifier{v.name, typeText, v.key}); !fits || len(n.signatures) != 1 || n.text != text {
		return damaged("%s did not sign that %s signs with %q and replaces %q", v.name, k.Server, k.VKey, k.Replaces)
	}
	return nil
}
