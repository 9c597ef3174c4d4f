"""Log and configuration files to records.

This room knows file formats, one per file below `formats`: each can `sniff` a file and `read` it into fragments, and
`collect` joins the fragments of a folder into records, one per run. It never executes or unpickles anything, counts
what it could not read, and does not know good from bad.
"""
