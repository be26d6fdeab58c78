package influx

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
)

// say prints a stored frame: "device/stream #7 @epoch 17000 a=1 b="text" [class]".
func say(s stored) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s", s.key.Device, s.key.Stream)
	if !s.group.Unseq {
		fmt.Fprintf(&b, " #%d", s.frame.Seq)
	}
	if s.group.Epoch != "" {
		fmt.Fprintf(&b, " @%s", s.group.Epoch)
	}
	if s.frame.NoTime {
		b.WriteString(" now")
	} else {
		fmt.Fprintf(&b, " %d", s.frame.TimeNS)
	}
	for _, f := range s.frame.Fields {
		fmt.Fprintf(&b, " %s=", f.Name)
		switch v := f.Value; v.Kind {
		case frame.KindFloat:
			fmt.Fprintf(&b, "%v", v.Float64())
		case frame.KindInt:
			fmt.Fprintf(&b, "%di", v.Int64())
		case frame.KindUint:
			fmt.Fprintf(&b, "%du", v.Uint64())
		case frame.KindBool:
			fmt.Fprintf(&b, "%t", v.Bool())
		default:
			fmt.Fprintf(&b, "%q", v.Str)
		}
	}
	return b.String()
}

func TestMapping(t *testing.T) {
	for _, test := range []struct {
		name, query string // without the '?'
		opt         Options
		line, want  string
	}{
		{"all at once", "", Options{}, `mill,device=mill-07,hall=3 temp=21.53,rpm=1500i,ok=true,mode="auto",seq=17i,epoch=2i 1763719200250000000`,
			`mill-07/mill #17 @2 1763719200250000000 hall="3" mode="auto" ok=true rpm=1500i temp=21.53`},
		{"no tag, no time", "", Options{}, `mill temp=1`, `mill/mill now temp=1`},
		{"host is the second choice", "", Options{}, `cpu,host=a,cpu=cpu0 idle=1`, `a/cpu now cpu="cpu0" idle=1`},
		{"the first of two that are there", "", Options{}, `cpu,host=a,device=b idle=1`, `b/cpu now host="a" idle=1`},
		{"whatever their order", "", Options{}, `cpu,device=b,host=a idle=1`, `b/cpu now host="a" idle=1`},
		{"another tag by option", "", Options{DeviceTag: "unit"}, `cpu,host=a,unit=u idle=1`, `u/cpu now host="a" idle=1`},
		{"another tag by parameter", "device_tag=serial,unit", Options{}, `cpu,unit=u,device=b idle=1`, `u/cpu now device="b" idle=1`},
		{"seq and epoch as tags", "", Options{}, `m,device=a,seq=9,epoch=boot-3 x=1`, `a/m #9 @boot-3 now x=1`},
		{"seq without a type", "", Options{}, `m seq=9,x=1`, `m/m #9 now x=1`},
		{"seq unsigned", "", Options{}, `m seq=9u,x=1`, `m/m #9 now x=1`},
		{"the largest seq", "", Options{}, `m seq=9223372036854775807i,x=1`, `m/m #9223372036854775807 now x=1`},
		{"only a seq", "", Options{}, `m seq=9i`, `m/m #9 now`},
		{"epoch as text", "", Options{}, `m seq=9i,epoch="a b",x=1`, `m/m #9 @a b now x=1`},
		{"other names for both", "", Options{SeqField: "n", EpochField: "boot"}, `m n=9i,boot=1i,seq=5i,epoch=2i`, `m/m #9 @1 now epoch=2i seq=5i`},
		{"neither", "", Options{SeqField: None, EpochField: None}, `m seq=5i,epoch=2i`, `m/m now epoch=2i seq=5i`},
		{"a tag with the name of a field", "", Options{}, `m,mode=a,x=b mode="c",y=1`, `m/m now mode="c" mode_tag="a" x="b" y=1`},
		{"a field with the name of the device's tag", "", Options{}, `m,device=a device="b"`, `a/m now device="b"`},
		{"the database", "db=plant&rp=week", Options{DatabaseField: "database"}, `m x=1`, `m/m now database="plant" x=1`},
		{"the database, unwanted", "db=plant&rp=week", Options{}, `m x=1`, `m/m now x=1`},
		{"milliseconds", "precision=ms", Options{}, `m x=1 1763719200250`, `m/m 1763719200250000000 x=1`},
		{"nanoseconds by their short name", "precision=n", Options{}, `m x=1 17`, `m/m 17 x=1`},
		{"microseconds", "precision=u", Options{}, `m x=1 -17`, `m/m -17000 x=1`},
		{"seconds", "precision=s", Options{}, `m x=1 17`, `m/m 17000000000 x=1`},
		{"minutes", "precision=m", Options{}, `m x=1 2`, `m/m 120000000000 x=1`},
		{"hours", "precision=h", Options{}, `m x=1 2`, `m/m 7200000000000 x=1`},
		{"a parameter without a value", "precision=&rp=&consistency=", Options{}, `m x=1 2`, `m/m 2 x=1`},
		{"numbers", "", Options{}, `m a=-0,b=1.,c=.5,d=1e3,e=-1.25E-2,f=18446744073709551615u,g=-9223372036854775808i,h=007i,i=5e-324,j=0.1`,
			`m/m now a=-0 b=1 c=0.5 d=1000 e=-0.0125 f=18446744073709551615u g=-9223372036854775808i h=7i i=5e-324 j=0.1`},
		{"a small unsigned is an integer", "", Options{}, `m a=5u`, `m/m now a=5i`},
		{"truth", "", Options{}, `m a=t,b=T,c=true,d=True,e=TRUE,f=f,g=F,h=false,i=False,j=FALSE`,
			`m/m now a=true b=true c=true d=true e=true f=false g=false h=false i=false j=false`},
		{"escapes", "", Options{}, `a\ b\,c,t\=1=x\ y\,z f\ 1="say \"hi\" \\ C:\\new"`,
			`a b,c/a b,c now f 1="say \"hi\" \\ C:\\new" t=1="x y,z"`},
		{"control characters as the official encoder writes them", "", Options{}, `m a="1\n2\t3\r4"`, `m/m now a="1\n2\t3\r4"`},
		{"a line end in a string", "", Options{}, "m a=\"1\n2\",b=1 5", `m/m 5 a="1\n2" b=1`},
		{"text of the world", "", Options{}, `wärme,ort=Łódź °C="☃"`, `wärme/wärme now ort="Łódź" °C="☃"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, test.opt, ingest.Options{})
			if resp := r.post("/write?"+test.query, test.line+"\n"); resp.StatusCode() != 204 || len(r.store.frames) != 1 {
				t.Fatalf("answer %d %s, %d frames", resp.StatusCode(), resp.Body(), len(r.store.frames))
			}
			if got := say(r.store.frames[0]); got != test.want {
				t.Errorf("\ngot  %s\nwant %s", got, test.want)
			}
			if now := r.balance(); now.Received != 1 || now.Accepted != 1 {
				t.Errorf("counted as %+v", now)
			}
			if got := r.store.frames[0].frame.Class; got != frame.ClassEvent {
				t.Errorf("class %s", got)
			}
		})
	}
}

// Floats are kept bit for bit, with the decimal form that the segment encoder looks for.
func TestFloatsAreExact(t *testing.T) {
	for _, test := range []struct {
		text    string
		want    float64
		decimal bool
	}{
		{"21.53", 21.53, true}, {"-0", math.Copysign(0, -1), false}, {"1", 1, true}, {"0.1", 0.1, true},
		{"1.7976931348623157e308", math.MaxFloat64, false}, {"0.30000000000000004", 0.30000000000000004, false},
		{"123456789012345678", 123456789012345678, false},
	} {
		r := newRig(t, Options{}, ingest.Options{})
		if resp := r.post("/write", "m x="+test.text); resp.StatusCode() != 204 {
			t.Errorf("%s: answer %d %s", test.text, resp.StatusCode(), resp.Body())
			continue
		}
		v := r.store.frames[0].frame.Fields[0].Value
		if v.Kind != frame.KindFloat || v.Num != math.Float64bits(test.want) || v.Decimal != test.decimal {
			t.Errorf("%s became %+v", test.text, v)
		}
	}
}

// What the decoder returned is overwritten by what it reads next; no value of one line may come to stand in another.
func TestLinesDoNotMix(t *testing.T) {
	r := newRig(t, Options{}, ingest.Options{})
	var body strings.Builder
	var want []string
	for i := range 200 {
		text := strings.Repeat(string(rune('a'+i%26)), i*40) // beyond every buffer of the decoder
		fmt.Fprintf(&body, "m%d,device=d%d,tag=\\ %s a=\"\\\"%s\",seq=%di %d\n", i, i, text, text, i, i)
		if text == "" {
			text = " "
		}
		want = append(want, fmt.Sprintf("d%d/m%d #%d %d a=%q tag=%q", i, i, i, i, `"`+strings.TrimSpace(text), " "+strings.TrimSpace(text)))
	}
	if resp := r.post("/write", body.String()); resp.StatusCode() != 204 || len(r.store.frames) != len(want) {
		t.Fatalf("answer %d %s, %d frames", resp.StatusCode(), resp.Body(), len(r.store.frames))
	}
	for i, f := range r.store.frames {
		if got := say(f); got != want[i] {
			t.Fatalf("line %d:\ngot  %.300s\nwant %.300s", i+1, got, want[i])
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, opt := range []Options{
		{DeviceTag: "a,,b"}, {DeviceTag: strings.Repeat("a,", maxDeviceTags) + "a"}, {SeqField: "n", EpochField: "n"}, {SeqField: "a\nb"},
		{DatabaseField: strings.Repeat("d", 300)},
	} {
		h, err := ingest.New(&nullProposer{}, ingest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(h, opt); err == nil {
			t.Errorf("%+v was taken", opt)
		}
	}
}
