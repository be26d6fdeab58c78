package sign

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// The checkpoints and keys here are those of public logs and witnesses, as they published them.
const (
	archeKey  = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
	remoraKey = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
	arche     = `arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
`
	sumdbKey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
	sumdb    = "go.sum database tree\n19777102\n+g50vJoV4VVGa6aiQF3LYGUZHEP4pvGkW38vlR7WKtU=\n\n" +
		"— sum.golang.org Az3griMTLHyRzj7jMuyEt85a2JnegVME6Lx3xLEBdzTd3FMDiD5y3bHV24rcl0yijOtWxV0zyygwTdo/rnaennuoqgU=\n"
)

func TestPublicLogWithPublicWitness(t *testing.T) {
	policy := "log " + archeKey + " https://arche2025h1.staging.ct.transparency.dev/\nwitness remora " + remoraKey + "\nquorum remora\n"
	p, err := ParsePolicy([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	if p.Text() != policy {
		t.Errorf("the policy came out as\n%s", p.Text())
	}
	s, err := p.Check([]byte(arche))
	if err != nil {
		t.Fatal(err)
	}
	if s.Size != 1432088532 || s.Root.String() != "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=" {
		t.Errorf("got %+v", s.Checkpoint)
	}
	want := time.Unix(0x6a122120, 0).UTC()
	if len(s.Names) != 1 || s.Names[0] != "remora.n621.de" || !s.Times["remora.n621.de"].Equal(want) {
		t.Errorf("cosigned by %v at %v, want remora.n621.de at %v", s.Names, s.Times, want)
	}
	_, err = p.Check([]byte(strings.Replace(arche, "1432088532", "1432088533", 1)))
	wantFault(t, err, FaultAltered, "remora.n621.de+da77ade7", "arche2025h1")
}

func TestSumdbNote(t *testing.T) {
	key, err := ParseVerifierKey(sumdbKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open([]byte(sumdb), note.VerifierList(key.Verifier())); err != nil {
		t.Fatal(err)
	}
	text, lines, err := Split([]byte(sumdb))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ParseCheckpoint(text)
	if err != nil {
		t.Fatal(err)
	}
	sigs, err := Verified(c, lines, key)
	if err != nil || len(sigs) != 1 || sigs[0].Key != key || !sigs[0].Time.IsZero() || sigs[0].Line != string(lines) {
		t.Fatalf("got %v, %v", sigs, err)
	}
	// Its key is not named as its origin is, so as the log of a policy it signs nothing.
	p, err := ParsePolicy([]byte("log " + sumdbKey + "\nquorum none\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Check([]byte(sumdb))
	wantFault(t, err, FaultOrigin, "go.sum database tree", "sum.golang.org")
}

func TestPublishedKeysAndTimes(t *testing.T) {
	for _, text := range []string{archeKey, remoraKey, sumdbKey, "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6"} {
		key, err := ParseVerifierKey(text)
		if err != nil || key.String() != text {
			t.Errorf("%s: got %s, %v", text, key, err)
		}
		if key.Type == TypeEd25519 { // package note knows that type too
			v, err := note.NewVerifier(text)
			if err != nil || v.KeyHash() != key.ID() || v.Name() != key.Name {
				t.Errorf("%s: package note has %v, %v", text, v, err)
			}
		}
	}
	when, err := CosignatureTime("ZGhGuQAAAABm/qTPeyKXD+R2rzyQsxPiP8mXum7qq/iF0u4vanlqJyocWODBt97w9uL+8qT7S5gxEHWWOworDcFiEBYJXORmnFBOBA==")
	if err != nil || when.Unix() != 1727964367 {
		t.Errorf("got %v, %v", when, err)
	}
	if when, err := CosignatureTime("eQjRQm6eSKzFoiYalgwCPXu2y3ijtg68is9M46JKxuZB+dRfTmeQeDBoXnvxZx2ugnkyV+MUMLXpWs1hPb/W/4xkNQY="); err == nil {
		t.Errorf("a plain signature has the time %v", when)
	}
}
