package fleet

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gaplessdb/gapless/frame"
)

// sample is a frame's content while a signal fills it in. t is the device's time in seconds; rng belongs to this frame alone.
type sample struct {
	t      float64
	rng    *rand.Rand
	shift  int64 // added to the last digit of the first number: the other bytes of a conflicting frame
	fields []frame.Field
	raw    []byte
}

// wave is a slow oscillation between -1 and 1.
func (s *sample) wave(periodSeconds, phase float64) float64 {
	return math.Sin(2*math.Pi*s.t/periodSeconds + phase)
}

func (s *sample) noise(sigma float64) float64 { return s.rng.NormFloat64() * sigma }

// decimal adds a number as sensors send it: rounded to scale digits after the point.
func (s *sample) decimal(name string, x float64, scale uint8) {
	mantissa := int64(math.Round(x*math.Pow10(int(scale)))) + s.takeShift()
	v, ok := frame.DecimalFloat(mantissa, scale)
	if !ok {
		v = frame.Float(float64(mantissa) / math.Pow10(int(scale)))
	}
	s.fields = append(s.fields, frame.Field{Name: name, Value: v})
}

func (s *sample) integer(name string, x float64) {
	s.fields = append(s.fields, frame.Field{Name: name, Value: frame.Int(int64(math.Round(x)) + s.takeShift())})
}

func (s *sample) flag(name string, v bool) {
	s.fields = append(s.fields, frame.Field{Name: name, Value: frame.Bool(v)})
}

func (s *sample) text(name, v string) {
	s.fields = append(s.fields, frame.Field{Name: name, Value: frame.String(v)})
}

func (s *sample) takeShift() int64 {
	v := s.shift
	s.shift = 0
	return v
}

// wind is a turbine's controller: gusts over a slow swell, power by the cube of the wind up to the rated 2.3 MW.
func wind(s *sample) {
	speed := max(0, 9+4*s.wave(3600, 0)+1.5*s.wave(47, 1)+s.noise(0.6))
	power := min(2300, 3.1*speed*speed*speed)
	if speed < 3 || speed > 25 {
		power = 0
	}
	s.decimal("wind_ms", speed, 2)
	s.decimal("power_kw", power, 1)
	s.decimal("rotor_rpm", min(18, speed*1.6), 2)
	s.decimal("pitch_deg", max(0, (speed-11)*4), 1)
	s.decimal("nacelle_c", 31+6*s.wave(7200, 2)+s.noise(0.2), 1)
	s.flag("grid", power > 0)
	s.text("state", windState(speed))
}

func windState(speed float64) string {
	switch {
	case speed < 3:
		return "waiting"
	case speed > 25:
		return "Sturmabschaltung: Böen über 25 m/s"
	}
	return "producing"
}

// mill is one block of a vibration sensor: figures of the block, and the block itself as raw bytes.
func mill(s *sample) {
	s.raw = make([]byte, 48)
	var sum float64
	for i := 0; i < len(s.raw); i += 2 {
		a := 4000*math.Sin(float64(i)*0.7+s.t*9) + s.noise(900)
		sum += a * a
		s.raw[i], s.raw[i+1] = byte(int16(a)), byte(int16(a)>>8)
	}
	s.decimal("rms_mm_s", math.Sqrt(sum/24)/1000, 3)
	s.integer("peak", 4000+math.Abs(s.noise(900)))
	s.integer("rpm", 742+6*s.wave(300, 0)+s.noise(1))
}

// rail is a substation's traction feed, with trains that come and go.
func rail(s *sample) {
	load := max(0, 900*s.wave(180, 0)+600*s.wave(71, 2)+s.noise(40))
	s.decimal("volts", 15_000-load*0.4+s.noise(12), 1)
	s.decimal("amps", load, 2)
	s.decimal("hertz", 16.7+s.noise(0.01), 3)
	s.integer("breaker", float64(1+s.rng.IntN(3)))
	s.flag("regenerating", load == 0)
}

// hvac is a heat meter: a total that only grows, and temperatures.
func hvac(s *sample) {
	s.integer("energy_wh", s.t*5.5)
	s.decimal("flow_c", 58+5*s.wave(5400, 0)+s.noise(0.3), 1)
	s.decimal("return_c", 41+3*s.wave(5400, 1)+s.noise(0.3), 1)
	s.decimal("valve", 0.5+0.4*s.wave(5400, 0), 3)
	s.flag("alarm", s.rng.IntN(200) == 0)
}

// lora is a battery-powered soil sensor.
func lora(s *sample) {
	s.decimal("moisture", 0.31+0.05*s.wave(86_400, 0)+s.noise(0.004), 3)
	s.decimal("temp_c", -2+9*s.wave(86_400, 1)+s.noise(0.2), 1)
	s.integer("battery_mv", 3600-s.t/9000+s.noise(3))
	s.integer("rssi", -95+s.noise(6))
}

// tank is a level sensor with an old eight-bit counter.
func tank(s *sample) {
	s.integer("level_mm", 1800+900*s.wave(2400, 0)+s.noise(3))
	s.flag("pump", s.wave(2400, 0) < 0)
}

// press is a store-and-forward gateway of a forming press.
func press(s *sample) {
	stroke := s.rng.IntN(40)
	s.decimal("force_kn", 820+30*s.wave(600, 0)+s.noise(9), 1)
	s.decimal("oil_c", 47+4*s.wave(1800, 2)+s.noise(0.1), 2)
	s.integer("strokes", s.t/2)
	s.text("tool", fmt.Sprintf("T-%02d", stroke))
	if stroke == 0 {
		s.raw = []byte(fmt.Sprintf("jam at %.1f s", s.t))
	}
}

// vibration is the fast counter's frame: small, because there are many.
func vibration(s *sample) {
	s.integer("x", 2000*s.wave(0.37, 0)+s.noise(50))
	s.decimal("g", 1+0.2*s.wave(0.37, 1)+s.noise(0.01), 3)
}
