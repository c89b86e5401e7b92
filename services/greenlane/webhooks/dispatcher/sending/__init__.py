"""One attempt: sign, connect, POST, read the answer; and the guarded way to the network."""
