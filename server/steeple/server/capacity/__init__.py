"""How many machines a catalogue and its queries need, by what was measured of one."""
