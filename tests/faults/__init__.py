"""Never lost, never twice, never down: each row of the table of faults is a test by the name of its sentence."""
