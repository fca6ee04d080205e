"""Pure decisions: values in, values out, `now` is an argument. It knows no clock, file, socket, process or vendor."""
