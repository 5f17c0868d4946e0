"""The API server. Started as a program, never imported by the other rooms."""
