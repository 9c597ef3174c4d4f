"""Parts of binary logs that several formats share: checksums, record framing, protobuf fields, databases."""
