// Package telegraf has Telegraf write to gapless: its own outputs for InfluxDB, versions 1 and 2, and its HTTP output with the influx
// serializer, each behind Telegraf's buffer, over a restart of the node. Every metric is read back and compared value by value.
//
// It is a module of its own below tests/clients, as Telegraf's dependencies are many.
package telegraf
