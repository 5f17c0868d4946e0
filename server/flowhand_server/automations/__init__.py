"""The automation engine: which events set which automations off, and what is done then."""
