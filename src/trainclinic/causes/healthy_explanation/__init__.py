"""Why an alarming curve can be what a healthy run looks like."""
