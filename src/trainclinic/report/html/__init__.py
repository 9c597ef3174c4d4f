"""The report as one HTML file: server-rendered charts, one style sheet and one small script of ours, no network."""
